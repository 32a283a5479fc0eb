/** What a measurement was made on and with. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem } from 'node:os';
import sqlite3 from 'sqlite3';

const libraries = ['aedes', 'mqtt', 'fastify', 'sqlite3', 'prom-client', 'zod'] as const;

/** Cores, memory, system and Node.js, in one line. */
export function machineShape(): string {
  const [cpu] = cpus();
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const cores = `${String(cpus().length)} × ${cpu?.model.trim() ?? 'unknown'}`;
  return `${cores}, ${gibibytes} GiB; ${systemName()}, Linux ${release()}; Node.js ${process.versions.node}`;
}

/** Of the libraries that floors and programs share, as installed. */
export function libraryVersions(): string {
  const require = createRequire(import.meta.url);
  const versions = libraries.map((name) => `${name} ${versionOf(require, name)}`);
  return [...versions, `SQLite ${sqlite3.VERSION}`].join(', ');
}

function versionOf(require: NodeJS.Require, name: string): string {
  // Not every package lets its package.json be imported by name.
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
