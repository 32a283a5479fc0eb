import type { Story } from './story.js';

/** Two stories about one promise, as much alike as may be. */
export interface Case {
  readonly kept: (story: Story) => void;
  readonly broken: (story: Story) => void;
}
