/** The lanes as a running agent of this machine tells them, asked again and again. */
import { messageOf } from '@gatehouse/shared/edge';
import type { Clock } from '@gatehouse/shared/edge';
import { lanesAnswerSchema } from '../../watch/contract.js';
import type { GateView, LanesAnswer } from '../../watch/contract.js';
import type { LanesListener, LanesSource } from '../../watch/source.js';

/** Four a second stay below the 600 a minute that a page answers to one address, also when two people watch. */
const askEveryMs = 250;
const answerTimeoutMs = 2_500;

/** @param pageUrl `http://HOST:PORT` */
export function createAgentLanes(pageUrl: string, clock: Clock): LanesSource {
  let last: LanesAnswer | undefined;
  let lastAtMs = 0;
  let cancelTimer: () => void = () => undefined;
  let isStopped = false;

  const ask = async (after: number): Promise<LanesAnswer> => {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const response = await fetch(`${pageUrl}/lanes?after=${String(after)}`, { signal, redirect: 'error' });
    if (response.status === 404) throw new Error('it is of a version that does not tell its lanes');
    const answer = lanesAnswerSchema.safeParse(await response.json());
    if (!answer.success) throw new Error(`it answered ${String(response.status)} and not with its lanes`);
    return answer.data;
  };
  const keep = (answer: LanesAnswer): void => {
    last = answer;
    lastAtMs = clock.monoMs();
  };
  const goOn = async (listener: LanesListener): Promise<void> => {
    try {
      let answer = await ask(last?.next ?? 0);
      // Another run of the agent counts anew.
      if (answer.instance !== last?.instance) answer = await ask(0);
      keep(answer);
      for (const change of answer.changes) listener.onChange(change);
      const { missed } = answer;
      listener.onTrouble(missed === 0 ? null : `${String(missed)} changes came too fast to be told`);
    } catch (error) {
      listener.onTrouble(`the agent does not answer: ${messageOf(error)}`);
    }
    askLater(listener);
  };
  const askLater = (listener: LanesListener): void => {
    if (isStopped) return;
    cancelTimer = clock.setTimer(askEveryMs, () => {
      void goOn(listener);
    });
  };

  return {
    tells: `the running agent at ${pageUrl}: inputs after debouncing, outputs as it asks for them`,
    async start(listener) {
      keep(await ask(0));
      askLater(listener);
    },
    gates() {
      // Between answers time goes on.
      const agoMs = Math.round(clock.monoMs() - lastAtMs);
      return (last?.gates ?? []).map((gate): GateView => ({
        ...gate,
        inputs: gate.inputs.map((input) => ({ ...input, forMs: input.forMs + agoMs })),
        outputs: gate.outputs.map((one) => ({ ...one, forMs: one.forMs === null ? null : one.forMs + agoMs })),
      }));
    },
    stop() {
      isStopped = true;
      cancelTimer();
      return Promise.resolve();
    },
  };
}
