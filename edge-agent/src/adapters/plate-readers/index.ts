export { createPlateReaders } from './plate-readers.js';
export type { PlateReaders, ReaderSource } from './plate-readers.js';
export { plateReadersSettingsSchema } from './settings.js';
