export { machineClock } from './clock.js';
export { machineGpio } from './gpio.js';
export { findAgent, listenProblem } from './agent.js';
export { machineStorage, seeFile } from './storage.js';
