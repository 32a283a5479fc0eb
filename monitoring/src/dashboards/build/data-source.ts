/** Whichever Prometheus is chosen in the dashboard. */
export const dataSource = { type: 'prometheus', uid: '${datasource}' } as const;
