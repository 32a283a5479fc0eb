/** The service manager that started this process: systemd, or whatever else sets NOTIFY_SOCKET as sd_notify(3) says. */
import { messageOf } from '@gatehouse/shared/edge';
import type { Logger } from '@gatehouse/shared/edge';
import type { ServiceManager } from '../../app/ports.js';
import { openDatagrams } from './datagrams.js';
import { noticeText } from './notice.js';
import { openProgramNotices } from './program.js';
import type { Environment } from './program.js';

export interface ServiceManagerOptions {
  readonly environment: Environment;
  /** Of this process. */
  readonly pid: number;
  readonly logger: Logger;
}

/** Where nothing wants to be told, or nothing can be told, it is one that takes everything and passes on nothing; the latter is logged once. */
export async function connectServiceManager(options: ServiceManagerOptions): Promise<ServiceManager> {
  const { environment } = options;
  const { NOTIFY_SOCKET: path } = environment;
  const watchdogMs = watchdogOf(options);
  if (path === undefined || path === '') return { watchdogMs: null, tell: () => undefined };
  const send = await openSender(path, options);
  return {
    watchdogMs,
    tell(notice) {
      const text = noticeText(notice);
      if (text !== '') send(text);
    },
  };
}

/** In milliseconds; null when the watchdog is for nobody, or for another process. */
function watchdogOf({ environment, pid }: ServiceManagerOptions): number | null {
  const { WATCHDOG_USEC: interval, WATCHDOG_PID: watched } = environment;
  if (watched !== undefined && watched !== String(pid)) return null;
  return interval !== undefined && /^[1-9]\d{0,15}$/.test(interval) ? Number(interval) / 1_000 : null;
}

async function openSender(path: string, options: ServiceManagerOptions): Promise<(text: string) => void> {
  const onResult = createProblemLog(options.logger);
  try {
    const send = await openDatagrams(path);
    return (text) => {
      onResult(send(text));
    };
  } catch (error) {
    return openProgram(onResult, messageOf(error), options);
  }
}

async function openProgram(
  onResult: (problem: string | undefined) => void,
  noDatagrams: string,
  { environment, logger }: ServiceManagerOptions,
): Promise<(text: string) => void> {
  try {
    const notices = await openProgramNotices(onResult, environment);
    logger.warn({ reason: noDatagrams }, 'the service manager is told by systemd-notify');
    return (text) => {
      notices.tell(text);
    };
  } catch (error) {
    logger.error(
      { datagrams: noDatagrams, program: messageOf(error) },
      'the service manager cannot be told anything: set Type=exec and WatchdogSec=0 in the unit, or it ends this agent',
    );
    return () => undefined;
  }
}

/** Says when notices begin to get lost, and when they get through again. */
function createProblemLog(logger: Logger): (problem: string | undefined) => void {
  let last: string | undefined;
  return (problem) => {
    if (problem === last) return;
    last = problem;
    if (problem === undefined) logger.info({}, 'the service manager takes notices again');
    else logger.warn({ problem }, 'the service manager took no notice');
  };
}
