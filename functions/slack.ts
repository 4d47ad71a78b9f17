import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { slackDeps } from '../aws/slack-deps.ts';
import { slackApp } from './slack/app.ts';
import type { Streamed } from './request-body.ts';
import { receivedBy, resultOf } from './slack/http.ts';

let app: ReturnType<typeof slackApp> | undefined;

/**
 * The Lambda that Slack calls. Apart from the rest of the API: it has to be there within three seconds of the first call,
 * so it holds nothing that it does not need for that.
 */
export const handler = async (event: APIGatewayProxyEventV2 & Streamed): Promise<APIGatewayProxyStructuredResultV2> =>
  resultOf(await (app ??= slackApp(slackDeps()))(receivedBy(event)));
