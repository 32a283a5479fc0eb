export { createGpioBarrier } from './gpio-barrier.js';
export { openGpio } from './open-gpio.js';
export type { OpenGpioOptions } from './open-gpio.js';
export type { GpioAccess, GpioInputs, GpioOutput } from './access.js';
