/** How far a campaign has come, on stderr: a bar on a terminal, elsewhere a line now and then. */
import { SingleBar } from 'cli-progress';
import type { CampaignTotals } from '../world/campaign.js';

export interface CampaignProgress {
  update(totals: CampaignTotals): void;
  stop(): void;
}

const lineEveryMs = 30_000;

export function showProgress(seeds: number): CampaignProgress {
  return process.stderr.isTTY && seeds > 1 ? bar(seeds) : lines(seeds);
}

function bar(seeds: number): CampaignProgress {
  const shown = new SingleBar({
    format: '{bar} {value}/{total} seeds, {passages} passages, {failures} with broken promises, {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
    // The campaign itself ends in order when it is told to.
    gracefulExit: false,
  });
  shown.start(seeds, 0, { passages: 0, failures: 0 });
  return {
    update(totals) {
      shown.update(totals.seeds, { passages: totals.passages, failures: totals.failures.length });
    },
    stop() {
      shown.stop();
    },
  };
}

function lines(seeds: number): CampaignProgress {
  const startedMs = performance.now();
  let done = 0;
  let passages = 0;
  let failures = 0;
  const say = (): void => {
    const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
    process.stderr.write(
      `${minutes} min: ${String(done)} of ${String(seeds)} seeds, ${String(passages)} passages, ${String(failures)} with broken promises\n`,
    );
  };
  if (seeds > 1) say();
  const timer = setInterval(say, lineEveryMs);
  return {
    update(totals) {
      done = totals.seeds;
      ({ passages } = totals);
      failures = totals.failures.length;
    },
    stop() {
      clearInterval(timer);
    },
  };
}
