/** SVG by Vega-Lite: grouped bars on a logarithmic axis. */
export async function barsToSvg({ title, data }) {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const specification = {
    title,
    data: { values: data },
    width: 120 * new Set(data.map(({ group }) => group)).size,
    height: 260,
    mark: 'bar',
    encoding: {
      x: { field: 'group', type: 'nominal', title: null, sort: null, axis: { labelAngle: 0 } },
      xOffset: { field: 'series', sort: null },
      y: { field: 'value', type: 'quantitative', title: null, scale: { type: 'log' } },
      y2: { datum: Math.min(...data.map(({ value }) => value)) / 2 },
      color: { field: 'series', type: 'nominal', title: null, sort: null },
    },
    config: { background: 'white' },
  };
  const view = new vega.View(vega.parse(vegaLite.compile(specification).spec), { renderer: 'none' });
  return view.toSVG();
}
