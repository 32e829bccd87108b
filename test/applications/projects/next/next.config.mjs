const isStandalone = process.env.STANDALONE === 'yes';

export default {
  distDir: isStandalone ? '.next-standalone' : '.next',
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
  ...(isStandalone && { output: 'standalone' }),
};
