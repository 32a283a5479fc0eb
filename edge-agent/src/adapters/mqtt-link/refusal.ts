/** What is said of a connection that did not come about, or ended. */

/** What a broker's refusal to connect means for an operator. Codes of MQTT 3.1.1, section 3.2.2.3. */
const refusals: Readonly<Record<number, string>> = {
  1: 'the broker does not speak MQTT 3.1.1',
  2: 'the broker refuses this client id',
};
const credentialRefusals: readonly unknown[] = [4, 5];

/**
 * A sentence if the problem is a refusal that will not pass by itself; undefined for anything else.
 * `whenRefused`: what a refused credential means here, and what to do.
 */
export function refusalOf(
  problem: Error | undefined,
  whenRefused = 'credential refused or revoked: enrol this edge again',
): string | undefined {
  const code: unknown = problem === undefined ? undefined : (problem as { readonly code?: unknown }).code;
  if (credentialRefusals.includes(code)) return whenRefused;
  return typeof code === 'number' ? refusals[code] : undefined;
}

/**
 * The problem of a subscription; null when all is granted. Codes of MQTT 3.1.1, section 3.9.3; the client's own error names no topic.
 * `granted`: the broker's answer, topic by topic; undefined when there was none.
 */
export function subscriptionProblem(
  error: Error | null,
  topics: readonly string[],
  granted: readonly unknown[] | undefined,
): Error | null {
  const refused = topics.find((_topic, index) => granted?.[index] === 128);
  return refused === undefined ? error : new Error(`the broker refuses the subscription to ${refused}`);
}

export function describeProblem(problem: Error | undefined, wasUp: boolean, showsCertificate: boolean): string {
  if (problem === undefined) {
    if (wasUp) return 'the broker closed the connection';
    // Brokers on Node.js end the connection without an alert when they do not trust a certificate.
    const hint = showsCertificate ? ': it may not accept this edge’s certificate, look at broker.tls.certFile' : '';
    return `the broker closed the connection before it was up${hint}`;
  }
  // An attempt on several addresses fails with all their errors in one, whose own message is empty.
  const { errors } = problem as { readonly errors?: readonly Error[] };
  return [problem.message, errors?.[0]?.message].find((text) => text !== undefined && text !== '') ?? problem.name;
}
