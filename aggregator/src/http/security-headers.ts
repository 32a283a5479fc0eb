/**
 * Headers that tell browsers how little they may do with an answer, as helmet sets them. Every answer carries the same ones, so helmet
 * is asked once and not with each request.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import type { HelmetOptions } from 'helmet';

const yearSeconds = 31_536_000;

/**
 * `tls`: browsers are told to come back with TLS only. What is left out is for documents with scripts or for browsers that are gone, and
 * would be half of what is sent with most answers.
 * Source: OWASP, REST Security Cheat Sheet, “Security Headers”.
 */
export function helmetOptions(tls: boolean): HelmetOptions {
  return {
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    strictTransportSecurity: tls ? { maxAge: yearSeconds } : false,
  };
}

/** Names in lower case. */
export function securityHeaders(tls: boolean): Readonly<Record<string, string>> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmet(helmetOptions(tls))(request, response, (error) => {
    if (error !== undefined) throw new Error('the security headers cannot be made', { cause: error });
  });
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}
