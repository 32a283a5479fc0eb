/** Draws in place on a terminal’s second screen, so that what stood there before is there again afterwards. */

export interface Screen {
  draw(lines: readonly string[]): void;
  /** May be called twice. */
  close(): void;
}

/** What is used of `process.stdout`. */
export interface TerminalStream {
  write(text: string): unknown;
}

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const clearRestOfLine = '\u001b[K';
const clearBelow = '\u001b[J';

export function openScreen(stream: TerminalStream): Screen {
  let isOpen = true;
  stream.write(enter);
  return {
    draw(lines) {
      // Drawn over, never cleared first: that would flicker.
      if (isOpen) stream.write(`${home}${lines.map((line) => `${line}${clearRestOfLine}`).join('\r\n')}${clearBelow}`);
    },
    close() {
      if (isOpen) stream.write(leave);
      isOpen = false;
    },
  };
}
