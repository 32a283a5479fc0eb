/** Barriers that are wired wrongly, each started by the driver as the agent starts it. */
import { wiring } from './agent.mjs';
import { tell } from './console.mjs';
import { busyBcm } from './lines.mjs';

const driverFolder = '/app/edge-agent/dist/adapters/gpio-barrier';
const sharedFolder = '/app/node_modules/@gatehouse/shared/dist';
const missingBcm = 60;
/** A user who owns nothing. */
const strangerId = 65_534;

/** @param {import('./agent.mjs').Driver} driver */
export async function wireWrongly(driver) {
  await start(driver, 'wrong pin', wiring('entry-1', { red: missingBcm }));
  await start(driver, 'busy pin', wiring('entry-1', { red: busyBcm }));
  await start(driver, 'wrong label', { ...wiring('entry-1'), chipLabel: 'pinctrl-bcm2712' });
  process.seteuid?.(strangerId);
  try {
    await start(driver, 'no permission', wiring('entry-1'));
  } finally {
    process.seteuid?.(0);
  }
}

/** @param {import('./agent.mjs').Driver} driver @param {string} name @param {object} settings */
async function start(driver, name, settings) {
  const { createGpioBarrier } = await import(`${driverFolder}/index.js`);
  const { gpioBarrierSettingsSchema } = await import(`${driverFolder}/settings.js`);
  const { silentLogger } = await import(`${sharedFolder}/index.js`);
  const { systemClock } = await import(`${sharedFolder}/node/index.js`);
  const parts = {
    driver,
    settings: gpioBarrierSettingsSchema.parse(settings),
    clock: systemClock,
    logger: silentLogger,
  };
  const barrier = createGpioBarrier(parts);
  try {
    await barrier.start({ onInput() {}, onTrouble() {}, onTroubleOver() {} });
    tell('refused', { name, text: 'it started' });
    await barrier.stop();
  } catch (error) {
    tell('refused', { name, text: error instanceof Error ? error.message : String(error) });
  }
}
