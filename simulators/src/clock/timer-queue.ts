/** Timers in the order they fall due; those of one moment in the order they were set. A binary heap. */

export interface QueuedTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export interface TimerQueue {
  add(dueMs: number, callback: () => void): QueuedTimer;
  /** The next one that was not cancelled; stays in the queue. */
  peek(): QueuedTimer | undefined;
  /** Takes the next one out. */
  take(): QueuedTimer | undefined;
  clear(): void;
}

export function createTimerQueue(): TimerQueue {
  const heap: QueuedTimer[] = [];
  let added = 0;

  const dropCancelled = (): void => {
    while (heap[0]?.cancelled === true) removeFirst(heap);
  };

  return {
    add(dueMs, callback) {
      added += 1;
      const timer: QueuedTimer = { dueMs, order: added, callback, cancelled: false };
      heap.push(timer);
      siftUp(heap, heap.length - 1);
      return timer;
    },
    peek() {
      dropCancelled();
      return heap[0];
    },
    take() {
      dropCancelled();
      return removeFirst(heap);
    },
    clear() {
      heap.length = 0;
    },
  };
}

function before(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function removeFirst(heap: QueuedTimer[]): QueuedTimer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined) return undefined;
  if (heap.length > 0) {
    heap[0] = last;
    siftDown(heap);
  }
  return first;
}

function siftUp(heap: QueuedTimer[], from: number): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIfBefore(heap, at, parent)) return;
    at = parent;
  }
}

function siftDown(heap: QueuedTimer[]): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const leftTimer = heap[left];
    if (leftTimer === undefined) return;
    const rightTimer = heap[left + 1];
    const child = rightTimer !== undefined && before(rightTimer, leftTimer) ? left + 1 : left;
    if (!swapIfBefore(heap, child, at)) return;
    at = child;
  }
}

function swapIfBefore(heap: QueuedTimer[], child: number, parent: number): boolean {
  const a = heap[child];
  const b = heap[parent];
  if (a === undefined || b === undefined || !before(a, b)) return false;
  heap[child] = b;
  heap[parent] = a;
  return true;
}
