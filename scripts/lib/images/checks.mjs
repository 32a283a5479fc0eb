/** The images, built and started: each check throws when it fails. */
import assert from 'node:assert/strict';
import { ended } from './command.mjs';
import { configurationOf, createContainer } from './container.mjs';
import { faultsOf, leftovers } from './contents.mjs';
import { createSite, until } from './site.mjs';

/** @typedef {(name: string, action: () => Promise<string | void>) => Promise<void>} Check answers are shown beside the name */

/** Megabytes that an image may have, its base included. */
const maxMegabytes = /** @type {const} */ ({ aggregator: 250, 'edge-agent': 240, simulators: 255 });

export const programs = /** @type {(keyof typeof maxMegabytes)[]} */ (Object.keys(maxMegabytes));

/** @param {import('./buildah.mjs').Buildah} buildah @param {(name: string) => string} imageOf @param {Check} check */
export async function checkContents(buildah, imageOf, check) {
  for (const program of programs) {
    const container = await createContainer(buildah, imageOf(program));
    try {
      await check(`${program}: at most ${String(maxMegabytes[program])} MB`, async () => {
        const bytes = (folder = '') =>
          ended(['du', '--summarize', '--bytes', '--one-file-system', `${container.root}${folder}`]);
        const [all = 0, app = 0] = (await Promise.all([bytes(), bytes('/app')])).map(
          (text) => parseInt(text, 10) / 1e6,
        );
        assert(all <= maxMegabytes[program], `it has ${all.toFixed(0)} MB`);
        return `${all.toFixed(0)} MB, ${app.toFixed(0)} MB of them Gatehouse and its packages`;
      });
      await check(`${program}: nothing to develop, compile or install with`, async () => {
        assert.deepEqual(leftovers(container), []);
      });
      await check(`${program}: node, no shell between, health check, labels`, async () => {
        assert.deepEqual(faultsOf(await configurationOf(buildah, imageOf(program)), program), []);
      });
    } finally {
      await container.remove();
    }
  }
}

/** @param {import('./buildah.mjs').Buildah} buildah @param {(name: string) => string} imageOf @param {Check} check */
export async function checkRunning(buildah, imageOf, check) {
  const site = await createSite(buildah, imageOf);
  try {
    await check('the aggregator starts, as node, and its health check is content', async () => {
      assert.equal((await site.startAggregator()).uid, 1000);
    });
    await check('the site is registered, with a one-time code for each edge', async () => {
      const { code, stdout, stderr } = await site.register();
      assert.equal(code, 0, stderr);
      assert.equal(stdout.match(/finds its code/g)?.length, 2, stdout);
    });
    for (const number of [1, 2]) {
      const name = `edge-${String(number)}`;
      await check(`${name} enrols by itself, runs as node, and its health check is content`, async () => {
        assert.equal((await site.startEdge(number)).uid, 1000);
        await isOnline(site, number);
      });
    }
    await check('registering once more changes nothing', async () => {
      const { code, stdout, stderr } = await site.register();
      assert.equal(code, 0, stderr);
      assert.equal(stdout.match(/is enrolled/g)?.length, 2, stdout);
    });
    await check('a vehicle passes the simulated barrier and is counted', async () => {
      const options = ['--gate=entry-1', '--plate=AB12CDE', '--json', '--timeout=60'];
      const { code, stdout, stderr } = await site.simulate(['vehicle', `--control=${site.controlOf(1)}`, ...options]);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      assert.equal(JSON.parse(stdout).report.outcome, 'passed');
      await until(
        'the aggregator has counted it',
        () => '',
        async () => (await inside(site)) === 1,
      );
      return `${String(await inside(site))} inside, by the API`;
    });
    await check('traffic finds its gates, and ends on SIGTERM', async () => {
      const traffic = await site.startTraffic(2);
      await until('it reports', traffic.output, async () => traffic.output().includes(' came, '));
      const { code, output } = await site.stop('traffic-2');
      assert.equal(code, 0, output);
    });
    for (const name of ['edge-1', 'edge-2', 'aggregator']) {
      await check(`${name} ends on SIGTERM, and wrote nothing outside /data`, async () => {
        const { code, changed, output } = await site.stop(name);
        assert.equal(code, 0, output);
        assert.deepEqual(changed, []);
      });
    }
    await check('the aggregator starts again on a read-only root file system, and knows the vehicle', async () => {
      assert.equal((await site.startAggregator({ readOnly: true })).uid, 1000);
      assert.equal(await inside(site), 1);
    });
    await check('an edge starts again on a read-only root file system, with the credential it has', async () => {
      const edge = await site.startEdge(1, { readOnly: true });
      assert.equal(edge.uid, 1000);
      await isOnline(site, 1);
      assert(!edge.output().includes('enrolled'), edge.output());
    });
    await check('both end on SIGTERM', async () => {
      for (const name of ['edge-1', 'aggregator']) {
        const { code, output } = await site.stop(name);
        assert.equal(code, 0, output);
      }
    });
  } finally {
    await site.end();
  }
}

/** @typedef {Awaited<ReturnType<typeof createSite>>} Site */

/** @param {Site} site */
async function inside(site) {
  return (await site.ask('/api/v1/sites/harbour/occupancy'))['vehiclesInside'];
}

/** @param {Site} site @param {number} number */
async function isOnline(site, number) {
  const name = `edge-${String(number)}`;
  const condition = async () => {
    const edge = await site.ask(`/api/v1/edges/${name}`);
    return edge['online'] === true && edge['enrolledAt'] !== null;
  };
  await until(`${name} is online`, () => '', condition);
}
