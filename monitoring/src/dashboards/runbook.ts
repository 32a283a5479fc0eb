/** The runbook as a dashboard: a panel a section, so that panels of other dashboards can lead to the one that is about them. */
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { asFile, classic } from './build/classic.js';
import type { Document } from './build/classic.js';
import type { Runbook } from './build/runbook.js';
import { identifiers } from './variables.js';

export interface Section {
  /** As it stands in links: `#anchor`. */
  readonly anchor: string;
  readonly title: string;
  /** Markdown, without the heading. */
  readonly text: string;
}

const url = `/d/${identifiers.Runbook}`;

/** The sections of a page of Markdown: from each heading of the second and third level to the next. Empty ones are left out. */
export function sectionsOf(markdown: string): Section[] {
  const [, ...parts] = markdown.split(/^#{2,3} +/m);
  return parts
    .map((part) => {
      const [title = '', ...lines] = part.split('\n');
      return { anchor: anchorOf(title), title: title.trim(), text: lines.join('\n').trim() };
    })
    .filter(({ text }) => text !== '');
}

export function runbookOf(sections: readonly Section[]): Runbook {
  return {
    title: 'Runbook',
    url,
    urlOf(anchor) {
      const index = sections.findIndex((section) => section.anchor === anchor);
      return index < 0 ? undefined : `${url}?viewPanel=${String(panelId(index))}`;
    },
  };
}

export function runbookDashboard(sections: readonly Section[]): Document {
  const runbook = runbookOf(sections);
  const builder = classic('Runbook')
    .uid(identifiers.Runbook)
    .description('What to check, in which order, and what to do: monitoring/runbook.md, a panel for each section.')
    .tags(['gatehouse'])
    .readonly();
  sections.forEach(({ title, text }, index) => {
    builder.withPanel(
      new TextBuilder()
        .id(panelId(index))
        .title(title)
        .description('A section of monitoring/runbook.md.')
        .mode(TextMode.Markdown)
        .content(withLinksFromHere(text, runbook))
        .gridPos({ x: 0, y: index * sectionHeight, w: 24, h: sectionHeight }),
    );
  });
  return asFile(builder.build());
}

const sectionHeight = 10;

function panelId(index: number): number {
  return index + 1;
}

/** The anchor that a heading has where Markdown is shown: lower case, hyphens for spaces, no punctuation. */
function anchorOf(title: string): string {
  return title
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Links to other sections lead to their panels. Those to other files of the repository lead nowhere from here: their words stay. */
function withLinksFromHere(markdown: string, runbook: Runbook): string {
  return markdown.replaceAll(/\[([^\]]*)\]\((?!https?:)([^)]*)\)/g, (_, words: string, target: string) => {
    const section = target.startsWith('#') ? runbook.urlOf(target.slice(1)) : undefined;
    return section === undefined ? words : `[${words}](${section})`;
  });
}
