/** Tells the service manager how the agent is: that it starts, has started, is well, stops. */
import type { CancelTimer, Clock, Logger } from '@gatehouse/shared/edge';
import type { ServiceManager } from './ports.js';
import type { EdgeStatus } from './status.js';

export interface ServiceReports {
  /** The start waits for a person or for another machine, for as long as that takes. */
  waiting(forWhat: string): void;
  /** From here on the start has to come to its end. */
  starting(): void;
  /** From now on it reports by itself. */
  started(status: () => EdgeStatus): void;
  /** Reports no more. May be called twice, and without a start. */
  stopping(): void;
}

export interface ServiceReportsOptions {
  readonly manager: ServiceManager;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a new start would be no gain: only then the agent says that it is alive. */
  readonly isWell: (status: EdgeStatus) => boolean;
}

/** Between two reports where nothing watches. */
const reportIntervalMs = 10_000;
/** Several reports long: one that comes late must not end a start that waits. */
const waitExtensionMs = 120_000;

/**
 * Reports go out of the event loop, three in each interval of the watchdog, so that a loop that hangs falls silent. That the loop turns
 * is not enough: the agent's own status must say that it is well.
 */
export function createServiceReports({ manager, clock, logger, isWell }: ServiceReportsOptions): ServiceReports {
  const { watchdogMs } = manager;
  const intervalMs = watchdogMs === null ? reportIntervalMs : watchdogMs / 3;
  let cancel: CancelTimer = () => undefined;
  let told = '';
  let wasWell = true;
  let hasStopped = false;
  const every = (report: () => void): void => {
    cancel();
    if (hasStopped) return;
    report();
    const again = (): void => {
      cancel = clock.setTimer(intervalMs, () => {
        report();
        again();
      });
    };
    again();
  };
  const report = (edge: EdgeStatus): void => {
    const well = isWell(edge);
    if (well !== wasWell) {
      if (well) logger.info({}, 'the agent is well again');
      else logger.error({ watchdogMs }, 'the agent is not well: the watchdog is told no more');
      wasWell = well;
    }
    const status = statusLine(edge, well);
    const changed = status === told ? {} : { status };
    told = status;
    manager.tell({ ...(well ? { alive: true } : {}), ...changed });
  };
  return {
    waiting(forWhat) {
      manager.tell({ status: `waits for ${forWhat}` });
      every(() => {
        manager.tell({ startTakesMs: waitExtensionMs });
      });
    },
    starting() {
      cancel();
      manager.tell({ status: 'starts' });
    },
    started(status) {
      manager.tell({ ready: true });
      every(() => {
        report(status());
      });
    },
    stopping() {
      if (hasStopped) return;
      hasStopped = true;
      cancel();
      manager.tell({ stopping: true, status: 'stops' });
    },
  };
}

function statusLine({ gates, link, outbox }: EdgeStatus, well: boolean): string {
  const faulty = gates
    .filter(({ faults }) => faults.length > 0)
    .map(({ gateId, faults }) => `${gateId} ${faults.join()}`);
  return [
    well ? `runs ${String(gates.length)} gate${gates.length === 1 ? '' : 's'}` : 'no gate can be opened',
    link.up ? 'link up' : `link down${link.downReason === null ? '' : ` (${link.downReason})`}`,
    `${String(outbox.unacknowledged)} ${outbox.unacknowledged === 1 ? 'event waits' : 'events wait'}`,
    ...(outbox.failing === null ? [] : [outbox.failing]),
    ...faulty,
  ].join(', ');
}
