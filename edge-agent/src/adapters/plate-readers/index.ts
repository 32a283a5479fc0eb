export { createPlateReaders } from './plate-readers.js';
export type { PlateReaders, ReaderSource } from './plate-readers.js';
export { plateReadersSettingsSchema } from './settings.js';
export type { PlateReadersSettings } from './settings.js';
export { secretOf, secretRule } from './cameras.js';
export { passwordOf, passwordRule, refusedIn } from './mqtt-source.js';
export { camerasAt, topicsOf } from './mqtt-readers.js';
export { readReceiverTls } from './receiver.js';
