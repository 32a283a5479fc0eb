/**
 * Runs in the machine of `npm run test:gpio`: starts the edge agent on its real lines, moves the lines of the simulated chip as loops
 * and limits would, and tells on the console what it did and what the agent did. It judges nothing; the test outside does.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const chip = '/sys/devices/platform/gpio-sim.0/gpiochip0';
const inputs = { arming: 17, safety: 27, 'limit-open': 22, 'limit-closed': 23 };
/** In the order in which the agent changes them, for when one look finds several. */
const outputs = { red: 20, green: 21, close: 16, open: 12 };
/** Taken by init.sh. */
const busyBcm = 5;
const pulseMs = 1_000;
/** Longer than bouncing, shorter than what a scenario waits for. */
const debounceMs = 200;
const bounceMs = 10;
/** Between scenarios: no vehicle follows another. */
const quietMs = 2_500;
const pollMs = 5;
/** An emulated processor needs half a minute for the start of the agent when the machine outside is busy. */
const patienceMs = 120_000;

/** @typedef {keyof typeof inputs} Input @typedef {keyof typeof outputs} Output */

/** @param {string} what @param {Record<string, unknown>} [more] */
function tell(what, more = {}) {
  const atMs = Math.round(performance.now());
  process.stdout.write(`\n@gpio ${JSON.stringify({ what, atMs, ...more })}\n`);
}

/** @param {Input} input @param {boolean} active */
function drive(input, active) {
  writeFileSync(`${chip}/sim_gpio${String(inputs[input])}/pull`, active ? 'pull-up' : 'pull-down');
  tell('input', { name: input, active });
}

const levels = /** @type {Record<Output, boolean>} */ ({});

/** Tells every output that changed since it was looked at last. */
function look() {
  for (const [name, line] of /** @type {[Output, number][]} */ (Object.entries(outputs))) {
    const active = readFileSync(`${chip}/sim_gpio${String(line)}/value`, 'utf8').trim() === '1';
    if (levels[name] !== active) tell('output', { name, active });
    levels[name] = active;
  }
}

/** @param {string} awaited @param {() => boolean | Promise<boolean>} holds */
async function until(awaited, holds) {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`${awaited}: not within ${String(patienceMs)} ms`);
    await pause(pollMs);
  }
}

/** @param {Output} name @param {boolean} active */
const output = (name, active) => until(`${name} is ${active ? 'on' : 'off'}`, () => levels[name] === active);

/** @param {Partial<typeof outputs>} [otherOutputs] lines that are not where they should be */
function configure(otherOutputs = {}) {
  const wiring = { ...outputs, ...otherOutputs };
  mkdirSync('/data/edge', { recursive: true, mode: 0o700 });
  const mqttUrl = 'mqtt://127.0.0.1:1883';
  const identity = { siteId: 'north', edgeId: 'north-pi' };
  const credential = { ...identity, username: 'north-pi', password: 'secret', mqttUrl };
  writeFileSync('/data/edge/credential.json', JSON.stringify(credential), { mode: 0o600 });
  const configuration = {
    ...identity,
    dataDir: '/data/edge',
    gates: [
      {
        gateId: 'entry-1',
        direction: 'entry',
        barrier: {
          driver: 'onoff',
          settings: {
            inputs: Object.fromEntries(Object.entries(inputs).map(([name, bcm]) => [name, { bcm, debounceMs }])),
            outputs: {
              open: { bcm: wiring.open, mode: 'pulse', pulseMs },
              close: { bcm: wiring.close, pulseMs },
              red: { bcm: wiring.red },
              green: { bcm: wiring.green },
            },
          },
        },
      },
    ],
    policies: { openWhenNoAllowance: true },
    http: { port: null },
    log: { format: 'json' },
  };
  writeFileSync('/etc/edge.json', JSON.stringify(configuration));
}

/** @param {(line: string) => void} [onError] told what the agent writes to standard error */
function startAgent(onError = () => undefined) {
  const agent = spawn(process.execPath, ['/app/edge-agent/dist/main.js', '--config', '/etc/edge.json', '--json'], {
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
  return { agent, said, ended };
}

/** The events in the outbox, oldest first. */
async function recorded() {
  const { Database, OPEN_READONLY } = createRequire('/app/edge-agent/dist/main.js')('sqlite3');
  const database = new Database('/data/edge/outbox.sqlite', OPEN_READONLY);
  const rows = await new Promise((resolve, reject) => {
    database.all(
      'SELECT json FROM event ORDER BY seq',
      (/** @type {Error | null} */ error, /** @type {{ json: string }[]} */ found) => {
        if (error === null) resolve(found);
        else reject(error);
      },
    );
  });
  database.close();
  return /** @type {{ json: string }[]} */ (rows).map(({ json }) => JSON.parse(json));
}

/** The arm moves as it is asked to. */
async function armOpens() {
  await output('open', true);
  drive('limit-closed', false);
  await output('open', false);
  drive('limit-open', true);
}

async function armCloses() {
  await output('close', true);
  drive('limit-open', false);
  await output('close', false);
  drive('limit-closed', true);
}

/** What happens at the lane, by name. */
const scenarios = {
  async bounce() {
    for (let bounce = 0; bounce < 5; bounce += 1) {
      drive('arming', true);
      await pause(bounceMs);
      drive('arming', false);
      await pause(bounceMs);
    }
    await pause(3 * debounceMs);
  },
  async passage() {
    drive('arming', true);
    await armOpens();
    await output('green', true);
    drive('safety', true);
    await pause(3 * debounceMs);
    drive('arming', false);
    await pause(3 * debounceMs);
    drive('safety', false);
    await armCloses();
  },
  async backOut() {
    drive('arming', true);
    await armOpens();
    await output('green', true);
    drive('arming', false);
    await armCloses();
  },
  async underTheArm() {
    drive('arming', true);
    await armOpens();
    await output('green', true);
    drive('arming', false);
    await output('close', true);
    drive('limit-open', false);
    drive('safety', true);
    await output('open', true);
    await output('open', false);
    drive('limit-open', true);
    await pause(3 * debounceMs);
    drive('safety', false);
    await armCloses();
  },
};

async function laneScenarios() {
  drive('limit-closed', true);
  const { agent, said, ended } = startAgent();
  const watching = setInterval(look, pollMs);
  await until('the agent started', () => said.output.includes('\n'));
  await output('red', true);
  for (const [name, happen] of Object.entries(scenarios)) {
    tell('scenario', { name });
    await happen();
    await pause(quietMs);
  }
  tell('scenario', { name: 'stop' });
  agent.kill('SIGTERM');
  tell('ended', { code: await ended });
  clearInterval(watching);
  look();
  tell('levels', { levels });
  for (const event of await recorded()) tell('event', { event });
}

/** A red lamp on a line that the kernel gave to something else. */
async function busyLine() {
  configure({ red: busyBcm });
  const { ended } = startAgent((text) => {
    if (text.includes('outputs.red')) tell('refused', { text });
  });
  tell('refused-end', { code: await ended });
}

try {
  tell('kernel', { release: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim() });
  configure();
  await laneScenarios();
  await busyLine();
  tell('finished');
} catch (error) {
  tell('failed', { why: error instanceof Error ? error.message : String(error) });
}
// An agent that did not stop must not keep the machine running.
process.exit();
