/** Brings the outputs of gates to their safe level while no agent runs. */
import type { GpioAccess } from './access.js';
import { openGpio } from './open-gpio.js';
import type { OpenGpioOptions } from './open-gpio.js';
import { openSafely, safeLevels } from './safe-levels.js';
import { biasedInputsSchema, gpioDrivers, safeSettingsSchema } from './settings.js';
import type { GpioDriver, SafeSettings } from './settings.js';

/** A gate as its configuration has it; only what is needed is looked at, so that a mistake elsewhere is in nobody's way. */
export interface ConfiguredGate {
  readonly gateId: string;
  readonly barrier: { readonly driver: string; readonly settings?: unknown };
}

export interface RestoredGate {
  readonly gateId: string;
  /** The outputs that have their safe level, as `red on`. */
  readonly levels: readonly string[];
  /** What was in the way, and what to do about it. */
  readonly problems: readonly string[];
}

export interface RestoreOptions {
  /** Default: the chips of this machine. */
  readonly open?: (gpio: Pick<OpenGpioOptions, 'driver' | 'chipLabel' | 'needsBias'>) => Promise<GpioAccess>;
}

/** Of every gate that is not simulated. Lines are given back at the end. */
export async function restoreSafeLevels(
  gates: readonly ConfiguredGate[],
  { open = openGpio }: RestoreOptions = {},
): Promise<RestoredGate[]> {
  const restored: RestoredGate[] = [];
  for (const { gateId, barrier } of gates) {
    if (barrier.driver === 'simulated') continue;
    const levels: string[] = [];
    const problems: string[] = [];
    try {
      const driver = driverOf(barrier.driver);
      const settings = settingsOf(barrier.settings);
      // The same way that the agent takes: what one way holds the other cannot have.
      const needsBias = biasedInputsSchema.safeParse(barrier.settings).success;
      const access = await open({ driver, chipLabel: settings.chipLabel, needsBias });
      restoreAll(access, settings, levels, problems);
      access.close();
    } catch (error) {
      problems.push((error as Error).message);
    }
    restored.push({ gateId, levels, problems });
  }
  return restored;
}

/** One that fails keeps no other from its level. */
function restoreAll(access: GpioAccess, settings: SafeSettings, levels: string[], problems: string[]): void {
  for (const [name, active] of safeLevels(settings)) {
    try {
      // Written as well: a line that was an output already may have kept its level.
      openSafely(access, settings, name)?.write(active);
      levels.push(`${name} ${active ? 'on' : 'off'}`);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
}

function driverOf(name: string): GpioDriver {
  const driver = gpioDrivers.find((one) => one === name);
  if (driver === undefined) throw new Error(`barrier.driver: ${name} is none of simulated, ${gpioDrivers.join(', ')}`);
  return driver;
}

function settingsOf(settings: unknown): SafeSettings {
  const result = safeSettingsSchema.safeParse(settings);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `barrier.settings.${path.join('.')}: ${message}`);
  throw new Error(problems.join('; '));
}
