/** Asks the API one thing after the other over one connection, and tells how long each answer took. */
import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Question } from './questions.js';

export interface Asker {
  /** Milliseconds to the end of the answer; of a file, to the end of its first page. */
  ask(question: Question): Promise<number>;
  end(): void;
}

const timeoutMs = 60_000;
const linesOfFirstPage = 500;

export function createAsker(port: number, key: string): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (path: string): Promise<{ asked: ClientRequest; response: IncomingMessage }> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path, agent, timeout: timeoutMs, headers: { authorization: `Bearer ${key}` } },
        (response) => {
          resolve({ asked, response });
        },
      );
      asked.on('timeout', () => {
        asked.destroy(new Error(`${path}: no answer within ${String(timeoutMs)} ms`));
      });
      asked.on('error', reject);
      asked.end();
    });
  return {
    async ask(question) {
      const path = question.path();
      const startedMs = performance.now();
      const { asked, response } = await send(path);
      const isFile = path.includes('.csv');
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) {
        text += String(chunk);
        if (isFile && linesOf(text) > linesOfFirstPage) break;
      }
      const tookMs = performance.now() - startedMs;
      if (isFile) asked.destroy();
      const items = isFile ? linesOf(text) - 1 : itemsOf(text);
      if (response.statusCode !== 200 || items < question.items) {
        throw new Error(`${path}: ${String(response.statusCode)}, ${String(items)} of ${String(question.items)}`);
      }
      return tookMs;
    },
    end() {
      agent.destroy();
    },
  };
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}

function itemsOf(text: string): number {
  const { items } = JSON.parse(text) as { items?: readonly unknown[] };
  return items?.length ?? 0;
}
