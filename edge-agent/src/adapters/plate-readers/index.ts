export { createPlateReaders } from './receiver.js';
export type { PlateReaders } from './receiver.js';
export { plateReadersSettingsSchema } from './settings.js';
