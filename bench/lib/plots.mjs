/** A logarithmic axis has no zero, so bars begin at half the smallest value. */
function logarithmicAxis(data) {
  const floor = Math.min(...data.map(({ value }) => value)) / 2;
  return {
    y: {
      field: 'value',
      type: 'quantitative',
      title: null,
      scale: { type: 'log', domainMin: floor, nice: false },
    },
    y2: { datum: floor },
  };
}

const linearAxis = { y: { field: 'value', type: 'quantitative', title: null } };

/** SVG by Vega-Lite: grouped bars. */
export async function barsToSvg({ title, data, logarithmic = false }) {
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
      ...(logarithmic ? logarithmicAxis(data) : linearAxis),
      color: { field: 'series', type: 'nominal', title: null, sort: null },
    },
    config: { background: 'white', legend: { labelLimit: 0 } },
  };
  const view = new vega.View(vega.parse(vegaLite.compile(specification).spec), { renderer: 'none' });
  return view.toSVG();
}
