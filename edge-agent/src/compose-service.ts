/** How the process tells the service manager that started it how the agent is. */
import type { Logger } from '@gatehouse/shared/edge';
import { systemClock } from '@gatehouse/shared/node';
import { connectServiceManager } from './adapters/service-manager/index.js';
import { createServiceReports } from './app/service-reports.js';
import type { ServiceReports } from './app/service-reports.js';
import { canOpenGates } from './http/health.js';

export async function composeServiceReports(logger: Logger): Promise<ServiceReports> {
  const manager = await connectServiceManager({ environment: process.env, pid: process.pid, logger });
  // As its page judges: neither a full outbox nor a lost link is mended by a new start, and exits open all the same.
  return createServiceReports({ manager, clock: systemClock, logger, isWell: canOpenGates });
}
