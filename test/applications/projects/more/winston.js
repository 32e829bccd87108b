const { createServer } = require('node:http');
const winston = require('winston');
require('winston-daily-rotate-file');

const log = winston.createLogger({
  transports: [
    new winston.transports.DailyRotateFile({
      filename: `${process.env.LOG_FILE}-%DATE%`,
      auditFile: `${process.env.LOG_FILE}.audit.json`,
      maxSize: '20k',
      maxFiles: 5,
    }),
  ],
});
log.info('loaded');
createServer((request, response) => {
  log.info('asked', { url: request.url, pid: process.pid });
  response.end(`pid ${process.pid}`);
}).listen(Number(process.env.PORT), '127.0.0.1');
