/** The part of the `onoff` package that is used, loaded only when lines are wanted through sysfs. */
import { GpioError } from '../gpio-error.js';

export type OnoffLevel = 0 | 1;

export interface OnoffLine {
  readSync(): OnoffLevel;
  writeSync(level: OnoffLevel): void;
  watch(callback: (error: Error | null | undefined, level: OnoffLevel) => void): void;
  unwatchAll(): void;
  unexport(): void;
}

export interface OnoffModule {
  readonly Gpio: new (
    line: number,
    direction: 'in' | 'high' | 'low',
    edge: 'none' | 'both',
    options: { readonly activeLow: boolean },
  ) => OnoffLine;
}

export async function loadOnoff(): Promise<OnoffModule> {
  try {
    return await import('onoff');
  } catch (error) {
    throw new GpioError(
      'sysfs GPIO needs the npm package "onoff", which is not installed or was not built here: run "npm install onoff" (it needs a C++ compiler, make and python3)',
      { cause: error },
    );
  }
}
