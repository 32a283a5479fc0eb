/** Containers from an image, run as docker-compose.yml runs them, on the network of this machine. */
import { spawn } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lastLines } from './command.mjs';

/**
 * @typedef {object} ImageConfiguration as `docker inspect` shows it
 * @property {string} User
 * @property {string[]} Env
 * @property {string[]} Entrypoint
 * @property {string[] | null} [Cmd]
 * @property {Record<string, object> | null} [Volumes]
 * @property {Record<string, string>} Labels
 * @property {{ Test: string[] }} [Healthcheck]
 *
 * @typedef {object} RunOptions
 * @property {readonly string[]} [volumes] as `FROM:TO` or `FROM:TO:ro`
 * @property {Readonly<Record<string, string>>} [environment]
 * @property {boolean} [readOnly] on a root file system that cannot be written, and an empty /tmp
 *
 * @typedef {object} Running a program that was started in a container
 * @property {number} uid
 * @property {() => string} output
 * @property {() => Promise<number>} stop Sends SIGTERM; answers the exit code.
 */

const stopTimeoutMs = 15_000;

/** `sh -ec … sh ROOT UID COUNT FROM TO … COMMAND …` in a mount namespace of its own. buildah has no option for that. */
const readOnlyScript = `
root=$1 uid=$2 count=$3; shift 3
mount --bind "$root" "$root"
n=$count; for place in "$@"; do [ "$n" -gt 0 ] || break; [ $((n % 2)) -eq 1 ] && mkdir -p "$root$place"; n=$((n - 1)); done
mount -o remount,bind,ro "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o size=16m,mode=1777 tmpfs "$root/tmp"
while [ "$count" -gt 0 ]; do mount --bind "$1" "$root$2"; shift 2; count=$((count - 2)); done
exec chroot --userspec="$uid:$uid" "$root" /usr/bin/env -i --chdir=/app "$@"
`;

/** @param {import('./buildah.mjs').Buildah} buildah @param {string} image @returns {Promise<ImageConfiguration>} */
export async function configurationOf(buildah, image) {
  const json = await buildah.run(['inspect', '--type', 'image', image]);
  return /** @type {{ Docker: { config: ImageConfiguration } }} */ (JSON.parse(json)).Docker.config;
}

/** A container of an image. `remove` has to be called.
 * @param {import('./buildah.mjs').Buildah} buildah
 * @param {string} image
 */
export async function createContainer(buildah, image) {
  const name = await buildah.run(['from', '--pull-never', image]);
  const root = await buildah.run(['mount', name]);
  const { User: user, Env: variables, Volumes: declared } = await configurationOf(buildah, image);
  // For a folder that the image declares as a volume, buildah takes at random that of the image or the one it is given.
  for (const volume of Object.keys(declared ?? {})) await buildah.run(['config', '--volume', `${volume}-`, name]);
  /** @param {readonly string[]} command @param {RunOptions} options */
  const commandLine = (command, { volumes = [], environment = {}, readOnly = false }) => {
    const given = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
    if (readOnly) {
      const places = volumes.flatMap((volume) => volume.split(':').slice(0, 2));
      const shell = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', readOnlyScript, 'sh'];
      return [
        ...shell,
        root,
        String(uidOf(user)),
        String(places.length),
        ...places,
        ...variables,
        ...given,
        ...command,
      ];
    }
    return buildah.command([
      ...['run', '--isolation', 'chroot', '--cap-drop', 'ALL', '--user', user],
      ...volumes.flatMap((volume) => ['--volume', volume]),
      ...given.flatMap((variable) => ['--env', variable]),
      ...[name, '--', ...command],
    ]);
  };
  /** @param {string} wanted */
  const uidOf = (wanted) => {
    const line = readFileSync(join(root, 'etc/passwd'), 'utf8').match(new RegExp(`^${wanted}:[^:]*:(\\d+):`, 'm'));
    return Number(line?.[1]);
  };
  return {
    name,
    /** Its root file system, as this machine sees it. */
    root,
    /** Runs a command to its end, as the user of the image.
     * @param {readonly string[]} command
     * @param {RunOptions} [options]
     * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
     */
    async run(command, options = {}) {
      const { child, stdout, stderr } = launch(commandLine(command, options));
      return { code: await exitOf(child), stdout: stdout(), stderr: stderr() };
    },
    /** Starts a program that goes on.
     * @param {readonly string[]} command
     * @param {RunOptions} [options]
     * @returns {Promise<Running>}
     */
    async start(command, options = {}) {
      const { child, stdout, stderr } = launch(commandLine(command, options));
      const output = () => lastLines(`${stdout()}\n${stderr()}`);
      const exit = exitOf(child);
      const ancestor = child.pid ?? 0;
      const pid = await programOf(ancestor, command, () => child.exitCode !== null).catch(
        (/** @type {unknown} */ error) => {
          for (const one of [...descendantsOf(ancestor), ancestor]) kill(one, 'SIGKILL');
          throw new Error(`${String(error)}\n${output()}`);
        },
      );
      return {
        uid: Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]),
        output,
        async stop() {
          const timer = setTimeout(() => {
            child.kill('SIGKILL');
            kill(pid, 'SIGKILL');
          }, stopTimeoutMs);
          kill(pid, 'SIGTERM');
          try {
            return await exit;
          } finally {
            clearTimeout(timer);
          }
        },
      };
    },
    /** Every file that an image brings or a program could have written, `/data` and what the kernel shows left out: path → what would
     * change with it.
     * @returns {Map<string, string>}
     */
    files() {
      return listing(root);
    },
    async remove() {
      await buildah.run(['rm', name]);
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof createContainer>>} Container */

/** @param {readonly string[]} commandLine */
function launch([program = '', ...args]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const stream of /** @type {const} */ (['stdout', 'stderr'])) {
    child[stream].setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      texts[stream] = `${texts[stream]}${text}`.slice(-1_000_000);
    });
  }
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr };
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<number>} */
function exitOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
}

/** buildah starts the program as a child of a child: it is the one with these arguments.
 * @param {number} ancestor
 * @param {readonly string[]} command
 * @param {() => boolean} hasEnded
 */
async function programOf(ancestor, [, ...args], hasEnded) {
  for (let tries = 0; tries < 200 && !hasEnded(); tries += 1) {
    const found = [ancestor, ...descendantsOf(ancestor)].find((pid) => {
      const [program = '', ...given] = commandLineOf(pid);
      return basename(program) === 'node' && given.join(' ') === args.join(' ');
    });
    if (found !== undefined) return found;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  throw new Error(`node ${args.join(' ')} did not start`);
}

/** @param {number} pid @returns {number[]} */
function descendantsOf(pid) {
  try {
    const children = readdirSync(`/proc/${String(pid)}/task`).flatMap((thread) =>
      readFileSync(`/proc/${String(pid)}/task/${thread}/children`, 'utf8')
        .trim()
        .split(' '),
    );
    return children
      .filter((child) => child !== '')
      .flatMap((child) => [Number(child), ...descendantsOf(Number(child))]);
  } catch {
    return [];
  }
}

/** @param {number} pid */
function commandLineOf(pid) {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .split('\0')
      .slice(0, -1);
  } catch {
    return [];
  }
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/** @param {string} root @param {string} below @param {Map<string, string>} found */
function listing(root, below = '', found = new Map()) {
  for (const name of readdirSync(join(root, below))) {
    const path = `${below}/${name}`;
    if (['/data', '/handover', '/proc', '/sys', '/dev'].includes(path)) continue;
    const stats = lstatSync(join(root, path));
    // The times of a folder tell of what was made in it and removed again. In /run buildah itself does that.
    const time = path === '/run' ? '' : String(stats.mtimeMs);
    found.set(path, `${String(stats.mode)} ${String(stats.uid)} ${String(stats.size)} ${time}`);
    if (stats.isDirectory()) listing(root, path, found);
  }
  return found;
}
