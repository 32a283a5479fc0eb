/**
 * A small Debian of its own, booted with systemd by systemd-nspawn: its own processes, users and network, the kernel of this machine.
 * Where that cannot boot, as in some containers, it is a file system that commands run in, and nothing is started.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ended, lastLines } from '../images/command.mjs';
import { mirrorsOf } from '../images/settings.mjs';
import { say, seconds } from '../project.mjs';

/** Goes up when what is written below changes, so that a kept base is not taken for the new one. */
const edition = 1;
const bootTimeoutMs = 90_000;
const commandTimeoutMs = 180_000;
const stopTimeoutMs = 30_000;
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * @typedef {object} Ended
 * @property {number} code
 * @property {string} output both outputs, as they came
 *
 * @typedef {object} Machine
 * @property {string} root Its file system, as this machine sees it.
 * @property {string | undefined} lacksSystemd why it was not booted
 * @property {(command: readonly string[]) => Promise<Ended>} run Runs a command in it, as root, to its end.
 * @property {() => Promise<void>} stop Stops it and removes its file system.
 */

/** Answers a file system that is copied for each machine. It is made once, by debootstrap.
 * @param {string} suite of Debian
 * @param {string} cache folder that may be deleted at any time
 */
export async function ensureBase(suite, cache) {
  const base = join(cache, `${suite}-${String(edition)}`);
  if (existsSync(base)) return base;
  const startMs = Date.now();
  say(`Making a small Debian ${suite} with systemd, by debootstrap.`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(cache, 'new-'));
  try {
    const made = join(folder, 'root');
    const targets = await ended([
      ...['apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'],
    ]);
    const { mirror } = mirrorsOf(targets, suite);
    const packages = '--include=systemd,systemd-sysv,dbus,libstdc++6,ca-certificates';
    await ended(['debootstrap', '--variant=minbase', packages, suite, made, mirror], { timeoutMs: 600_000 });
    for (const unused of ['usr/share/locale', 'var/lib/apt/lists', 'var/cache/apt']) {
      rmSync(join(made, unused), { recursive: true, force: true });
      mkdirSync(join(made, unused));
    }
    // Nobody is to answer questions at the first boot.
    writeFileSync(join(made, 'etc/machine-id'), '');
    renameSync(made, base);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`made in ${seconds(Date.now() - startMs)}`);
  return base;
}

/** Copies the base, and boots the copy if that can be. @param {string} base @param {string} cache @returns {Promise<Machine>} */
export async function startMachine(base, cache) {
  const folder = mkdtempSync(join(cache, 'machine-'));
  const root = join(folder, 'root');
  await ended(['cp', '--archive', '--reflink=auto', base, root]);
  // Nothing in it has to outlive a power cut.
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/unsafe-io'), 'force-unsafe-io\n');
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { run, stop } = await boot(root);
    return { root, run, lacksSystemd: undefined, stop: () => stop().then(remove) };
  } catch (error) {
    const enter = ['unshare', '--mount', '--net', 'sh', '-ec', chrootScript, 'sh', root];
    const stop = async () => {
      remove();
    };
    return { root, run: (command) => finished([...enter, ...commandLine(command)]), lacksSystemd: String(error), stop };
  }
}

/** `sh -ec … sh ROOT COMMAND …` in a mount namespace and a network of its own. */
const chrootScript = `
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
`;

/** @param {readonly string[]} command */
function commandLine(command) {
  return ['env', '-i', path, 'LANG=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive', ...command];
}

/** @param {string} root @returns {Promise<Pick<Machine, 'run' | 'stop'>>} */
async function boot(root) {
  const child = spawn(
    'systemd-nspawn',
    [
      ...['--directory', root, '--boot', '--register=no', '--keep-unit', '--private-network', '--console=pipe'],
      ...['--machine', `gatehouse-deb-${String(process.pid)}`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output = `${output}${text}`.slice(-100_000);
    });
  }
  let hasEnded = false;
  const end = new Promise((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      hasEnded = true;
      resolve(undefined);
    });
    child.once('close', () => {
      hasEnded = true;
      resolve(undefined);
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await end;
    clearTimeout(timer);
  };
  const inside = (/** @type {readonly string[]} */ command) => {
    const leader = childOf(child.pid ?? 0);
    if (leader === undefined) return Promise.resolve({ code: 1, output: 'it does not run' });
    const enter = ['--target', String(leader), '--all', '--root', '--wdns=/', '--'];
    return finished(['nsenter', ...enter, ...commandLine(command)]);
  };
  try {
    const state = await eventually(
      'it has booted',
      async () => {
        if (hasEnded) throw new Error('systemd-nspawn has ended');
        const { output: answer } = await inside(['systemctl', 'is-system-running']);
        return /^(running|degraded)$/.test(answer.trim()) ? answer.trim() : undefined;
      },
      bootTimeoutMs,
    );
    if (state === 'degraded') say((await inside(['systemctl', '--failed', '--no-legend', '--plain'])).output);
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}\n${lastLines(output)}`, { cause: error });
  }
  return { run: inside, stop };
}

/** Asks until there is an answer.
 * @template T
 * @param {string} what
 * @param {() => Promise<T | undefined>} ask
 * @param {number} [timeoutMs]
 * @returns {Promise<T>}
 */
export async function eventually(what, ask, timeoutMs = 60_000) {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > endMs) throw new Error(`not within ${seconds(timeoutMs)}: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

/** @param {readonly string[]} command @returns {Promise<Ended>} */
function finished([program = '', ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: commandTimeoutMs });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.once('error', (error) => {
      resolve({ code: 127, output: String(error) });
    });
    child.once('close', (code) => {
      resolve({ code: code ?? 128, output });
    });
  });
}

/** @param {number} pid @returns {number | undefined} */
function childOf(pid) {
  try {
    const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
      .trim()
      .split(' ');
    return children[0] === undefined || children[0] === '' ? undefined : Number(children[0]);
  } catch {
    return undefined;
  }
}
