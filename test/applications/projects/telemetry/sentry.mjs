import * as Sentry from '@sentry/node';
import express from 'express';

const app = express();
app.get('/', (_, response) => {
  response.send(`pid ${process.pid}`);
});
Sentry.setupExpressErrorHandler(app);
app.listen(Number(process.env.PORT), '127.0.0.1');
