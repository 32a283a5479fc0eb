/** What monitoring makes from code. */
export { dashboards } from './dashboards/index.js';
