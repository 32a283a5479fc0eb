/** Findings as a person reads them. */
import pc from 'picocolors';
import type { Finding, Verdict } from './finding.js';

const colours: Readonly<Record<Verdict, (text: string) => string>> = { pass: pc.green, warn: pc.yellow, fail: pc.red };

/** One line, and the remedy under it. `width` is that of the longest name of a check. */
export function describeFinding({ check, verdict, says, remedy }: Finding, width: number): string[] {
  return [
    `${colours[verdict](verdict)}  ${pc.bold(check.padEnd(width))}  ${says}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 8)}→ ${remedy}`]),
  ];
}

export function countVerdicts(findings: readonly Finding[]): Readonly<Record<Verdict, number>> {
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  return { pass: count('pass'), warn: count('warn'), fail: count('fail') };
}

export function countsInWords({ pass, warn, fail }: Readonly<Record<Verdict, number>>): string {
  return `${String(pass)} pass, ${String(warn)} warn, ${String(fail)} fail`;
}
