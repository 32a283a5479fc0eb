export { openScreen } from './screen.js';
