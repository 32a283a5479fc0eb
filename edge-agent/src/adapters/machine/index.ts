export { machineClock } from './clock.js';
export { machineGpio } from './gpio.js';
export { createGpioWires } from './gpio-wires.js';
export { findAgent, listenProblem, pageUrlOf } from './agent.js';
export { createAgentLanes } from './agent-lanes.js';
export { machineStorage, seeFile } from './storage.js';
