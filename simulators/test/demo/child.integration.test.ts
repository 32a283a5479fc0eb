import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeSync } from 'node:fs';
import { z } from 'zod';
import { systemClock } from '@gatehouse/shared/node';
import { createChild } from '../../src/demo/child.js';
import type { Child } from '../../src/demo/child.js';
import { keptGenerations, lastLines, openLog } from '../../src/demo/log-file.js';
import { freePorts, tryPort } from '../../src/demo/ports.js';
import { isAlive } from '../../src/demo/running.js';
import { readState, writeState } from '../../src/demo/state-file.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-child-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const until = async (what: string, condition: () => boolean): Promise<void> => {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
};

const run = (name: string, program: string) => {
  const troubles: string[] = [];
  const givenUp: string[] = [];
  const logPath = join(directory, `${name}.log`);
  const child: Child = createChild({
    name,
    argv: ['-e', program],
    environment: { ...process.env, NODE_OPTIONS: '' },
    logPath,
    clock: systemClock,
    backoff: { firstDelayMs: 10, maxDelayMs: 20, healthyAfterMs: 60_000, maxDeaths: 3 },
    onTrouble: (sentence) => troubles.push(sentence),
    onGivenUp: (sentence) => givenUp.push(sentence),
  });
  child.start();
  return { child, troubles, givenUp, log: () => (existsSync(logPath) ? readFileSync(logPath, 'utf8') : '') };
};

describe('a program that is kept running', () => {
  it('is named when it dies, started again, and given up after so many times, with its last words', async () => {
    const { troubles, givenUp, log } = run('dies', "console.error('no room here'); process.exit(3)");
    await until('it is given up', () => givenUp.length > 0);
    expect(troubles).toHaveLength(3);
    expect(troubles[0]).toContain('dies ended with code 3; starting it again in 0.0 s');
    expect(givenUp[0]).toContain('no room here');
    expect(log().match(/no room here/g)).toHaveLength(4);
  });

  it('is not started again with a configuration that cannot be used', async () => {
    const { troubles, givenUp } = run('misconfigured', "console.error('http.port: is in use'); process.exit(78)");
    await until('it is given up', () => givenUp.length > 0);
    expect(troubles).toEqual([]);
    expect(givenUp[0]).toContain('http.port: is in use');
  });

  it('stops when asked to, and is not started again', async () => {
    const { child, troubles, log } = run('obeys', "console.log('up'); setInterval(() => 0, 1000)");
    await until('it is up', () => log().includes('up'));
    const { pid } = child;
    await Promise.all([child.stop(5_000), child.stop(5_000)]);
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(child.pid).toBeUndefined();
    expect(troubles).toEqual([]);
  });

  it('is killed when it does not stop in time', async () => {
    const { child, troubles, log } = run(
      'stays',
      "process.on('SIGTERM', () => 0); console.log('up'); setInterval(() => 0, 1000)",
    );
    await until('it is up', () => log().includes('up'));
    const { pid } = child;
    await child.stop(50);
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(troubles).toEqual(['stays did not stop within 50 ms and was killed']);
  });
});

describe('logs', () => {
  it('are set aside when long, in a bounded number of generations', () => {
    const path = join(directory, 'long.log');
    for (let generation = 1; generation <= keptGenerations + 3; generation += 1) {
      const file = openLog(path, 10);
      writeFileSync(file, `generation ${String(generation)}\n`);
      closeSync(file);
    }
    expect(readFileSync(path, 'utf8')).toBe(`generation ${String(keptGenerations + 3)}\n`);
    expect(readFileSync(`${path}.${String(keptGenerations)}`, 'utf8')).toBe('generation 3\n');
    expect(existsSync(`${path}.${String(keptGenerations + 1)}`)).toBe(false);
  });

  it('give their last lines', () => {
    const path = join(directory, 'lines.log');
    writeFileSync(path, 'a\nb\nc\n');
    expect(lastLines(path, 2)).toEqual(['b', 'c']);
    expect(lastLines(join(directory, 'none.log'), 2)).toEqual([]);
  });
});

describe('ports', () => {
  it('are tried before a program needs them', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    expect(await tryPort(port)).toEqual({ problem: 'is in use' });
    await new Promise((closed) => server.close(closed));
    expect(await tryPort(port)).toEqual({ port });
    expect(new Set(await freePorts(5)).size).toBe(5);
  });
});

describe('a state file', () => {
  const schema = z.strictObject({ count: z.int() });

  it('is written whole, privately, and read back', () => {
    const path = join(directory, 'deep', 'state.json');
    expect(readState(path, schema)).toBeUndefined();
    writeState(path, { count: 3 });
    expect(readState(path, schema)).toEqual({ count: 3 });
    expect(existsSync(`${path}.draft`)).toBe(false);
  });

  it('is named when it cannot be understood', () => {
    const path = join(directory, 'broken.json');
    writeFileSync(path, '{"count":');
    expect(() => readState(path, schema)).toThrow(`${path} is not JSON`);
    writeFileSync(path, '{"count":"many"}');
    expect(() => readState(path, schema)).toThrow(`${path} cannot be understood`);
  });
});
