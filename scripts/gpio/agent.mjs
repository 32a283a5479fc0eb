/** The edge agent as it is installed, and what is in its outbox. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tell, until } from './console.mjs';
import { gates } from './lines.mjs';

const dataDir = '/data/edge';
const outboxFile = 'outbox.sqlite';
export const configurationFile = '/etc/edge.json';
export const program = '/app/edge-agent/dist/main.js';
const codeFile = '/etc/enrolment-code';
const pagePort = 9464;
const pulseMs = 1_000;
const debounceMs = 200;
/** The loops that bounce here. A busy machine may hold up a guest for a while in the midst of a bounce. */
const armingDebounceMs = 500;
/** For so long an input keeps its level at least: much longer than the longest debounce time. */
export const steadyMs = 1_200;
/** Shorter than a vehicle stands on its loops at the restart. */
const laneClearTimeoutMs = 1_000;
/** Where the machine finds the aggregator: QEMU passes connections on to it. */
const aggregator = { mqtt: 'mqtt://10.0.2.100:1883', http: 'http://10.0.2.100:8000' };

/** Nothing may depend on how fast an emulated processor is: a bound is short only where something is to run into it. */
const patient = { travelTimeMs: 60_000, loopGapMs: 1_000, followGapMs: 500 };
const rules = {
  'entry-1': patient,
  'exit-1': { ...patient, travelTimeMs: 6_000 },
  'entry-2': { ...patient, stuckAfterMs: 12_000, followGapMs: 60_000, closeDelayMs: 2_000 },
};

/**
 * @typedef {'onoff' | 'character-device' | 'gpio'} Driver
 * @typedef {import('./lines.mjs').GateId} GateId
 * @typedef {{ siteId: string, edgeId: string, code?: string, driver: Driver }} Identity
 */

/** Writes the configuration.
 * @param {Identity} identity
 * @param {{ driver?: Driver, red?: number }} [change] `red`: another line for the red lamp of entry-1
 */
export function configure({ siteId, edgeId, code, driver }, change = {}) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (code !== undefined) writeFileSync(codeFile, code, { mode: 0o600 });
  const configuration = {
    siteId,
    edgeId,
    dataDir,
    gates: /** @type {GateId[]} */ (Object.keys(gates)).map((gateId) => ({
      gateId,
      direction: gateId === 'exit-1' ? 'exit' : 'entry',
      lane: rules[gateId],
      barrier: {
        driver: change.driver ?? driver,
        settings: wiring(gateId, gateId === 'entry-1' ? change : {}),
      },
    })),
    broker: { url: aggregator.mqtt, allowPlaintext: true },
    enrolment: { url: aggregator.http, codeFile, allowPlaintext: true },
    // Decided by the aggregator, however slow the emulated processor is.
    protocol: { decisionTimeoutMs: 60_000 },
    restart: { laneClearTimeoutMs },
    http: { port: pagePort },
    log: { format: 'json' },
  };
  writeFileSync(configurationFile, JSON.stringify(configuration));
}

/** @param {GateId} gateId @param {{ red?: number }} [change] another line for the red lamp */
export function wiring(gateId, { red } = {}) {
  const { inputs, outputs } = gates[gateId];
  return {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, bcm]) => {
        return [name, { bcm, debounceMs: name === 'arming' ? armingDebounceMs : debounceMs }];
      }),
    ),
    outputs: {
      open: { bcm: outputs.open, mode: 'pulse', pulseMs },
      close: { bcm: outputs.close, pulseMs },
      red: { bcm: red ?? outputs.red },
      green: { bcm: outputs.green },
    },
  };
}

/** The command that the service manager runs when the agent has ended, as the unit has it. */
export async function restoreSafeLevels() {
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=32', '/app/edge-agent/dist/safe-levels.js', '--config', configurationFile],
    { stdio: 'inherit' },
  );
  const [code] = await once(child, 'close');
  return { code, tookMs: Math.round(performance.now() - startMs) };
}

/** @param {{ onError?: (line: string) => void }} [options] `onError` is told what it writes to standard error */
export function startAgent({ onError = () => undefined } = {}) {
  const agent = spawn(process.execPath, [program, '--config', configurationFile, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { output: '' };
  agent.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (said.output += text));
  agent.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    process.stdout.write(text);
    onError(text);
  });
  /** @type {Promise<number | string>} */
  const ended = new Promise((resolve) => {
    agent.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const started = until('the agent started', () => said.output.includes('\n'));
  return { agent, ended, started };
}

/** Waits until the aggregator has acknowledged every event: the agent tells so on its page. */
export function acknowledged() {
  return until('every event is acknowledged', async () => {
    const page = await (await fetch(`http://127.0.0.1:${String(pagePort)}/metrics`)).text();
    return /^gatehouse_agent_outbox_unacknowledged_events[{].*[}] 0$/m.test(page);
  });
}

/** Tells what is in the outbox. Looks at a copy, so that nothing is changed before the agent starts.
 * @param {string} when
 */
export async function tellOutbox(when) {
  const folder = mkdtempSync('/tmp/outbox-');
  try {
    const names = readdirSync(dataDir).filter((name) => name.startsWith(outboxFile));
    for (const name of names) copyFileSync(join(dataDir, name), join(folder, name));
    const file = join(folder, outboxFile);
    const [{ epoch } = {}] = await select(file, 'SELECT epoch FROM outbox');
    tell('outbox', { when, epoch });
    for (const { seq, hash, json } of await select(file, 'SELECT seq, hash, json FROM event ORDER BY seq')) {
      tell('event', { when, seq, hash, event: JSON.parse(String(json)) });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file @param {string} sql @returns {Promise<Record<string, unknown>[]>} */
async function select(file, sql) {
  const { Database, OPEN_READONLY } = createRequire(program)('sqlite3');
  const database = new Database(file, OPEN_READONLY);
  try {
    return await new Promise((resolve, reject) => {
      database.all(sql, (/** @type {Error | null} */ error, /** @type {Record<string, unknown>[]} */ rows) => {
        if (error === null) resolve(rows);
        else reject(error);
      });
    });
  } finally {
    database.close();
  }
}
