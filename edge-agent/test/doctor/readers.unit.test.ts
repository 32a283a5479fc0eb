import { describe, expect, it } from '@jest/globals';
import type { Finding } from '../../src/doctor/finding.js';
import type { FileSeen } from '../../src/doctor/identity.js';
import { checkReaderBroker, checkReaderFiles, checkReadGates, checkReceiver } from '../../src/doctor/readers.js';
import type { ReadGate, ReceiverChecked } from '../../src/doctor/readers.js';

const verdicts = (findings: readonly Finding[]): string[] => findings.map(({ verdict }) => verdict);
/** Whatever is wrong has a remedy, and all of it stands under one name. */
const expectUseful = (findings: readonly Finding[]): void => {
  for (const { check, verdict, remedy } of findings) {
    expect([check, verdict === 'pass' || remedy !== undefined]).toEqual(['readers', true]);
  }
};

describe('the doctor on secrets of readers', () => {
  const file = (seen: FileSeen, problem?: string) => ({
    key: 'readers.cameras.0.secretFile',
    path: '/s',
    seen,
    problem,
  });
  const check = (seen: FileSeen, problem?: string) => checkReaderFiles([file(seen, problem)]);

  it('says nothing where there is none', () => {
    expect(checkReaderFiles([])).toEqual([]);
  });

  it('passes private ones in one line that names the files and never shows what they hold', () => {
    const findings = checkReaderFiles([
      file({ text: 'hush-hush', mode: 0o100600 }),
      { ...file({ text: 'hush-hush', mode: 0o100600 }), path: '/t' },
    ]);
    expect(verdicts(findings)).toEqual(['pass']);
    expect(findings[0]?.says).toContain('/s, /t');
    expect(JSON.stringify(findings)).not.toContain('hush');
  });

  it.each([
    [0o100400, 'pass'],
    // As the package sets it up: of root, for the group of the agent.
    [0o100640, 'pass'],
    [0o100660, 'pass'],
    [0o100644, 'warn'],
    [0o100604, 'warn'],
    [0o100602, 'warn'],
  ])('of mode %o says %s', (mode, verdict) => {
    const findings = check({ text: 'x', mode });
    expect(verdicts(findings)).toEqual([verdict]);
    expectUseful(findings);
  });

  it('says which mode is too open, and how to close it', () => {
    const [finding] = check({ text: 'x', mode: 0o100644 });
    expect(finding?.says).toBe('readers.cameras.0.secretFile: /s has mode 0644: everybody here can read or change it');
    expect(finding?.remedy).toContain('chmod o= /s');
  });

  it('fails one that is missing, cannot be read, is empty or holds no secret, naming key and file', () => {
    const all = [
      check({ problem: 'ENOENT' }),
      check({ problem: 'EACCES' }),
      check({ text: ' \n', mode: 0o100600 }, 'must hold a secret'),
      check({ text: 'short', mode: 0o100600 }, 'must hold a secret'),
    ].flat();
    expect(all.map(({ says }) => says.replace('readers.cameras.0.secretFile: /s ', ''))).toEqual([
      'is not there',
      'cannot be read (EACCES)',
      'is empty',
      'must hold a secret',
    ]);
    expect(verdicts(all)).toEqual(['fail', 'fail', 'fail', 'fail']);
    expectUseful(all);
  });
});

describe('the doctor on the address that cameras post to', () => {
  const receiver: ReceiverChecked = {
    ...{ scheme: 'https', host: '192.0.2.10', port: 8_002, cameraIds: ['north-in'], agentRuns: false },
    page: { host: '127.0.0.1', port: 8_001 },
  };
  const check = async (problem: string | undefined, more: Partial<ReceiverChecked> = {}, tls?: string) => {
    const world = { tlsProblem: () => Promise.resolve(tls), listenProblem: () => Promise.resolve(problem) };
    const findings = await checkReceiver(world, { ...receiver, ...more });
    expectUseful(findings);
    return findings;
  };

  it('passes a free one and says who posts there', async () => {
    expect(await check(undefined)).toEqual([
      { check: 'readers', verdict: 'pass', says: 'https://192.0.2.10:8002, where north-in posts, is free' },
    ]);
  });

  it('fails one that is taken, by the key to change, unless the agent runs that has it', async () => {
    const [taken] = await check('EADDRINUSE');
    expect(taken).toMatchObject({ verdict: 'fail' });
    expect(taken?.remedy).toContain('readers.http.port');
    expect(verdicts(await check('EADDRINUSE', { agentRuns: true }))).toEqual(['pass']);
  });

  it('fails an address that this machine has not, whoever runs', async () => {
    const [finding] = await check('EADDRNOTAVAIL', { agentRuns: true });
    expect(finding).toMatchObject({ verdict: 'fail' });
    expect(finding?.remedy).toContain('readers.http.host');
  });

  it('fails the port of the agent’s own page, where both are one address', async () => {
    const says = async (host: string, port: number | null) => (await check(undefined, { page: { host, port } }))[0];
    expect((await says('192.0.2.10', 8_002))?.verdict).toBe('fail');
    expect((await says('0.0.0.0', 8_002))?.verdict).toBe('fail');
    expect((await says('127.0.0.1', 8_002))?.verdict).toBe('pass');
    expect((await says('192.0.2.10', null))?.verdict).toBe('pass');
    expect(verdicts(await check(undefined, { port: 0, page: { host: '192.0.2.10', port: 0 } }))).toEqual(['pass']);
  });

  it('fails a certificate that cannot be used', async () => {
    const findings = await check(undefined, {}, 'readers.http.tls.certFile: /c cannot be used: no PEM');
    expect(verdicts(findings)).toEqual(['fail', 'pass']);
    expect(findings[0]?.says).toContain('readers.http.tls.certFile');
  });

  it('looks at none where no camera posts', async () => {
    expect(await check('EADDRINUSE', { cameraIds: [] }, 'broken')).toEqual([]);
  });
});

describe('the doctor on a broker of readers', () => {
  const broker = {
    ...{ key: 'readers.mqtt.0', sourceId: 'nvr', url: 'mqtts://nvr', username: 'gatehouse' },
    cameraIds: ['yard', 'drive'],
  };
  const check = async (answers: { signIn?: string; reach?: string }, more: Partial<typeof broker> = {}) => {
    const world = {
      signIn: () => Promise.resolve(answers.signIn),
      reach: () => Promise.resolve(answers.reach),
    };
    const findings = await checkReaderBroker(world, { ...broker, ...more });
    expectUseful(findings);
    expect(findings).toHaveLength(1);
    return findings[0];
  };

  it('passes one that accepts the user, and says who is heard there', async () => {
    const says = (await check({}))?.says;
    expect(says).toBe(
      'broker nvr (mqtts://nvr) accepts gatehouse; TLS and its certificate are good; heard there: yard, drive',
    );
    expect((await check({}, { url: 'mqtt://127.0.0.1' }))?.says).toContain('not encrypted');
  });

  it.each(['connect ECONNREFUSED 192.0.2.40:8883', 'getaddrinfo ENOTFOUND nvr', 'no answer within 2500 ms'])(
    'warns of one that is away, for gates run without it: %s',
    async (reach) => {
      const finding = await check({ signIn: 'x', reach });
      expect(finding).toMatchObject({ verdict: 'warn' });
      expect(finding?.says).toContain('yard, drive are not heard');
    },
  );

  it('fails one that refuses the user', async () => {
    const finding = await check({ signIn: 'user name or password refused' });
    expect(finding).toMatchObject({ verdict: 'fail' });
    expect(finding?.says).toContain('does not accept this edge: user name or password refused');
  });

  it('fails one whose certificate is not good, which no waiting mends', async () => {
    const finding = await check({ signIn: 'x', reach: 'the broker’s certificate is not trusted: …' });
    expect(finding).toMatchObject({ verdict: 'fail' });
    expect(finding?.remedy).toContain('readers.mqtt.0.tls');
  });
});

describe('the doctor on gates that wait for reads', () => {
  const lane = { readAfterMs: 2_000, silentAfterVehicles: 10, needsButton: false, issuesTickets: false };
  const check = (gate: Partial<ReadGate>) => {
    const findings = checkReadGates([{ gateId: 'in', direction: 'entry', cameras: [], lane, ...gate }]);
    expectUseful(findings);
    return findings[0];
  };

  it('passes one that a camera looks at', () => {
    expect(check({ cameras: [undefined] })).toMatchObject({
      verdict: 'pass',
      says: 'gate in is looked at by 1 camera',
    });
    expect(check({ direction: 'both', cameras: ['entry', 'exit'] })?.verdict).toBe('pass');
  });

  it('warns of one that none looks at, with what that costs each vehicle', () => {
    expect(check({})).toMatchObject({
      verdict: 'warn',
      says: 'gate in has hasReader, and no camera sends a read: each waits 2000 ms for one (lane.readAfterMs), and 10 of them raise reader-silent',
    });
  });

  it('warns of a gate for both whose vehicles of one way nobody reads', () => {
    const finding = check({ direction: 'both', cameras: ['entry'] });
    expect(finding).toMatchObject({ verdict: 'warn' });
    expect(finding?.says).toContain('no camera sends a read of vehicles at the exit: each waits 2000 ms');
  });

  it('does not say that vehicles wait where the button is waited for', () => {
    expect(check({ lane: { ...lane, needsButton: true } })?.says).not.toContain('waits');
    expect(check({ lane: { ...lane, needsButton: true } })?.verdict).toBe('warn');
    // A press without it is a ticket, and so a read.
    expect(check({ lane: { ...lane, needsButton: true, issuesTickets: true } })?.verdict).toBe('pass');
    expect(check({ lane: { ...lane, issuesTickets: true } })?.verdict).toBe('warn');
  });
});
