import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { slackParts } from './assembly/slack-aws.ts';
import { slackDeps } from './assembly/slack-deps.ts';
import { slackApp } from '../entrances/slack/app.ts';
import { requestOf, resultOf } from '../entrances/slack/requests/http.ts';

let app: ReturnType<typeof slackApp> | undefined;

/**
 * The Lambda handler for Slack. Separate from the rest of the API, with minimal dependencies, because it must respond
 * within three seconds even on a cold start.
 */
export const handler = async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> =>
  resultOf(await (app ??= slackApp(slackDeps(slackParts())))(requestOf(event)));
