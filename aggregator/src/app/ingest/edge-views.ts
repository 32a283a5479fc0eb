/** The views of all registered edges. They outlive reloads: what agents are doing does not depend on our store. */
import type { Directory } from '../directory.js';
import { createEdgeView } from './edge-view.js';
import type { EdgeView, EdgeViewSettings } from './edge-view.js';

export interface EdgeViews {
  /** The view of an edge that is registered; made when it is first asked for. */
  of(edgeId: string): EdgeView | undefined;
  /** Of the edges heard of since the start. */
  all(): IterableIterator<EdgeView>;
}

export function createEdgeViews(directory: Directory, settings: EdgeViewSettings): EdgeViews {
  const views = new Map<string, EdgeView>();
  return {
    of(edgeId) {
      const edge = directory.edge(edgeId);
      if (edge === undefined) return undefined;
      const known = views.get(edgeId);
      if (known?.siteId === edge.siteId) return known;
      const view = createEdgeView(edge, directory.cursor(edgeId)?.clockOffsetMs ?? null, settings);
      views.set(edgeId, view);
      return view;
    },
    all: () => views.values(),
  };
}
