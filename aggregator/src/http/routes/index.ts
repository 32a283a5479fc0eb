/** The table of routes: requests are served from it, the documentation is written from it, and access is tested by it. */
import type { Route } from '../route.js';
import type { HttpSettings } from '../settings.js';
import { edgeLogRoutes } from './edge-log.js';
import { edgeRoutes } from './edges.js';
import { gateRoutes } from './gates.js';
import { keyRoutes } from './keys.js';
import { recordRoutes } from './records.js';
import { serviceRoutes, streamRoutes } from './service.js';
import { sessionRoutes } from './sessions.js';
import { occupancyRoutes, siteRoutes } from './sites.js';
import { slotRoutes } from './slots.js';
import { vehicleRoutes } from './vehicles.js';

export function allRoutes(settings: Pick<HttpSettings, 'metricsRequireKey'>): readonly Route[] {
  return [
    ...siteRoutes,
    ...occupancyRoutes,
    ...slotRoutes,
    ...sessionRoutes,
    ...vehicleRoutes,
    ...gateRoutes,
    ...edgeRoutes,
    ...edgeLogRoutes,
    ...recordRoutes,
    ...keyRoutes,
    ...streamRoutes,
    ...serviceRoutes(settings),
  ];
}
