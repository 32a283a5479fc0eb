/** The end of a benchmark's program that answers. Loads nothing: a floor is a process with what it measures, and no more. */

/** What a program answers, by the name of the question. */
export type Answers = Readonly<Record<string, (question: never) => unknown>>;

export interface Question {
  readonly id: number;
  readonly name: string;
  readonly question: unknown;
}
export type Reply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };

/**
 * Answers questions until the channel closes. `start` makes the answers out of the options; an answer named `stop` is asked last and
 * releases what the program holds.
 */
export function serve(start: (options: never) => Promise<Answers> | Answers): void {
  let answers: Answers = {};
  const answerTo = async ({ name, question }: Question): Promise<unknown> => {
    if (name === 'start') {
      answers = await start(question as never);
      return undefined;
    }
    const answer = answers[name];
    if (answer === undefined && name !== 'stop') throw new Error(`nothing answers ${name}`);
    return answer?.(question as never);
  };
  process.on('message', (asked: Question) => {
    answerTo(asked).then(
      (answer) => process.send?.({ id: asked.id, answer } satisfies Reply),
      (error: unknown) =>
        process.send?.({
          id: asked.id,
          error: error instanceof Error ? error.message : String(error),
        } satisfies Reply),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
