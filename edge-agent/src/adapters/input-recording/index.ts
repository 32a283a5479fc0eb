export { createRecordingFile } from './recording-file.js';
export { recordingSettingsSchema } from './settings.js';
