export { createOnoffBarrier } from './onoff-barrier.js';
export type { OnoffBarrierOptions } from './onoff-barrier.js';
export { onoffBarrierSettingsSchema } from './settings.js';
export type { OnoffBarrierSettings } from './settings.js';
