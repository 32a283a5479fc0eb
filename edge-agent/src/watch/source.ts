/** Where a watch has its lanes from: a running agent, or lines that it opened by itself. */
import type { ChangeView, GateView } from './contract.js';

export interface LanesListener {
  onChange(change: ChangeView): void;
  /** Null when it is over. */
  onTrouble(problem: string | null): void;
}

export interface LanesSource {
  /** One sentence for the person who watches. */
  readonly tells: string;
  /** Rejects when there is nothing to be seen, with a message that says what to do. */
  start(listener: LanesListener): Promise<void>;
  /** As they are now. */
  gates(): readonly GateView[];
  /** May be called twice. */
  stop(): Promise<void>;
}
