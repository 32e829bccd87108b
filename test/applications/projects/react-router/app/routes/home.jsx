export function loader() {
  return { text: `pid ${process.pid}` };
}

export default function Home({ loaderData }) {
  return <p>{loaderData.text}</p>;
}
