/**
 * The globals that SST gives to `sst.config.ts`: only what this folder uses, and arguments of resources only where code
 * depends on them. SST's own types need its platform, which is 290 MB; `npm run check:platform` installs it, and checks
 * the same files with those types instead of these.
 */

declare namespace $util {
  type Input<T> = T | Output<T>;
  interface Output<T> {
    apply<U>(use: (value: T) => U): Output<U>;
  }
  type CustomResourceOptions = { customTimeouts?: { create?: string; update?: string; delete?: string } };
  function all<T>(values: readonly Output<T>[]): Output<T[]>;
  function jsonStringify(value: unknown): Output<string>;
  function output<T>(value: T): Output<T>;
  function secret<T>(value: Input<T>): Output<T>;
}

declare const $app: { readonly name: string; readonly stage: string; readonly protect?: boolean };
declare function $config<T extends { app(input: { stage: string }): Promise<object>; run(): Promise<object> }>(
  config: T,
): T;
declare function $interpolate(parts: TemplateStringsArray, ...values: $util.Input<string>[]): $util.Output<string>;

declare namespace sst {
  class Secret {
    constructor(name: string, placeholder?: string);
    readonly value: $util.Output<string>;
  }
}

declare namespace sst.aws {
  class ApiGatewayV2 {
    constructor(name: string, args: object);
    readonly url: $util.Output<string>;
    readonly nodes: { readonly api: { readonly id: $util.Output<string> } };
    route(route: string, handler: $util.Output<string>): unknown;
  }
  class Bucket {
    constructor(name: string, args: object);
    readonly arn: $util.Output<string>;
    readonly name: $util.Output<string>;
    readonly nodes: { readonly bucket: { readonly bucketRegionalDomainName: $util.Output<string> } };
  }
  class Cdn {
    constructor(name: string, args: object);
    readonly url: $util.Output<string>;
  }
  class CronV2 {
    constructor(name: string, args: object);
    readonly nodes: object;
  }
  class Dynamo {
    constructor(name: string, args: object);
    readonly arn: $util.Output<string>;
    readonly name: $util.Output<string>;
  }
  class Function {
    constructor(name: string, args: object);
    readonly arn: $util.Output<string>;
    readonly name: $util.Output<string>;
  }
  class Queue {
    constructor(name: string, args: object);
    readonly arn: $util.Output<string>;
    readonly url: $util.Output<string>;
    readonly nodes: { readonly queue: { readonly name: $util.Output<string> } };
    subscribe(functionArn: $util.Output<string>, args: object): unknown;
  }
  class SnsTopic {
    constructor(name: string, args?: object);
    readonly arn: $util.Output<string>;
  }
  class Workflow {
    constructor(name: string, args: object);
    readonly name: $util.Output<string>;
    readonly nodes: {
      readonly function: { readonly nodes: { readonly function: { readonly version: $util.Output<string> } } };
    };
  }
}

declare namespace aws {
  /** What code reads of resources of the provider, although each of them has only some of it. */
  class Resource {
    constructor(name: string, args: object, options?: { dependsOn?: readonly Resource[] });
    readonly arn: $util.Output<string>;
    readonly id: $util.Output<string>;
    readonly name: $util.Output<string>;
  }
  function getCallerIdentityOutput(): { readonly accountId: $util.Output<string> };
  function getPartitionOutput(): { readonly partition: $util.Output<string> };
  function getRegionOutput(): { readonly region: $util.Output<string> };
}
declare namespace aws.budgets {
  class Budget extends Resource {}
}
declare namespace aws.cloudfront {
  class Function extends Resource {}
  class OriginAccessControl extends Resource {}
  class ResponseHeadersPolicy extends Resource {}
}
declare namespace aws.cloudwatch {
  class CompositeAlarm extends Resource {}
  class Dashboard extends Resource {}
  class EventApiDestination extends Resource {}
  class EventConnection extends Resource {}
  class EventRule extends Resource {}
  class EventTarget extends Resource {}
  class MetricAlarm extends Resource {}
}
declare namespace aws.iam {
  class Role extends Resource {}
}
declare namespace aws.lambda {
  class Alias extends Resource {}
  class FunctionRecursionConfig extends Resource {}
}
declare namespace aws.s3 {
  class BucketLifecycleConfiguration extends Resource {}
}
declare namespace aws.sns {
  class TopicPolicy extends Resource {}
  class TopicSubscription extends Resource {}
}
declare namespace aws.sqs {
  class QueuePolicy extends Resource {}
}
declare namespace aws.ssm {
  class Parameter extends Resource {}
}
