/** Dashboards as they stand in their files, as far as tests look at them. */

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly datasource?: { readonly uid?: string };
}

export interface Link {
  readonly title: string;
  readonly url?: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly datasource?: { readonly uid?: string };
  readonly targets?: readonly Target[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly links?: readonly Link[];
  readonly repeat?: string;
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly noValue?: string };
    readonly overrides?: readonly { readonly matcher: { readonly id: string; readonly options?: unknown } }[];
  };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly query?: unknown;
  readonly datasource?: { readonly uid?: string };
  readonly refresh?: number;
  readonly multi?: boolean;
  readonly allValue?: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly editable: boolean;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list?: readonly Variable[] };
  readonly links?: readonly Link[];
}

/** Panels that show something measured. */
export function graphs({ panels }: Dashboard): readonly Panel[] {
  return panels.filter(({ type }) => type !== 'row' && type !== 'text');
}
