/** What an image must be, and must not have in it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../project.mjs';

/** @typedef {import('./container.mjs').Container} Container */
/** @typedef {import('./container.mjs').ImageConfiguration} ImageConfiguration */

/** Programs that install or compile. */
const tools = ['npm', 'npx', 'yarn', 'corepack', 'gcc', 'g++', 'cc', 'make', 'python3'];
/** Files of the project that are for its developers, or that a compiler reads. */
const notForPrograms = /([.][cm]?ts|[.]map|[.]tsbuildinfo|[.]test[.]js|(^|[/])(package-lock[.]json|[.]npmrc))$/;

/** @param {Container} container @returns {string[]} what it has and must not have */
export function leftovers(container) {
  const listed = container.files();
  const files = [...listed.keys()];
  const development = Object.keys(manifest('package.json').devDependencies ?? {});
  const production = ['shared', 'edge-agent', 'aggregator', 'simulators'].flatMap((name) =>
    Object.keys({
      ...manifest(`${name}/package.json`).dependencies,
      ...manifest(`${name}/package.json`).optionalDependencies,
    }),
  );
  const unwanted = development.filter((name) => !production.includes(name)).map((name) => `/app/node_modules/${name}`);
  const folders = ['/usr/local/bin', '/usr/bin', '/bin'];
  return [
    ...files.filter((path) => path.startsWith('/app/') && notForPrograms.test(path)),
    ...files.filter((path) => /^[/]app[/][^/]+[/](src|test)$/.test(path) && !path.startsWith('/app/node_modules/')),
    ...files.filter((path) => /[.]npmrc$|^[/]run[/]secrets[/]./.test(path)),
    ...unwanted.filter((path) => existsSync(join(container.root, path))),
    ...files.filter((path) => changesUser(listed.get(path))),
    ...tools.flatMap((tool) => folders.map((folder) => `${folder}/${tool}`)).filter((path) => files.includes(path)),
  ];
}

/** Whether a program runs as its owner, whoever starts it. @param {string | undefined} described its mode comes first */
function changesUser(described) {
  const mode = parseInt(described ?? '', 10);
  return (mode & 0o170000) === 0o100000 && (mode & 0o6000) !== 0;
}

/** @param {ImageConfiguration} configuration @param {string} program @returns {string[]} what is wrong with it */
export function faultsOf({ User, Entrypoint, Healthcheck, Labels, Volumes, Env }, program) {
  const { version } = manifest('package.json');
  const label = (/** @type {string} */ name) => Labels[`org.opencontainers.image.${name}`];
  const wanted = /** @type {const} */ ([
    ['it runs as node', User === 'node'],
    ['its program gets the signals', Entrypoint[0] === 'node' && Entrypoint[1] === `${program}/dist/main.js`],
    ['it has a health check without a shell', Healthcheck?.Test[0] === 'CMD'],
    ['it says its version', label('version') === version],
    ['it says its revision', /^[0-9a-f]{40}$|^unknown$/.test(label('revision') ?? '')],
    ['it says what it is', ['title', 'description', 'licenses'].every((name) => (label(name) ?? '') !== '')],
    ['its data is a volume', program === 'simulators' || Object.keys(Volumes ?? {}).includes('/data')],
    ['nothing of this machine’s npm is in its environment', !Env.some((line) => /npm_|_authToken|proxy/i.test(line))],
  ]);
  return wanted.filter(([, holds]) => !holds).map(([what]) => `not so: ${what}`);
}

/**
 * @param {string} path
 * @returns {{ version: string, dependencies?: object, devDependencies?: object, optionalDependencies?: object }}
 */
function manifest(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
