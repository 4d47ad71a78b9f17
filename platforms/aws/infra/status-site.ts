/** AWS's own policy: caches as long as objects say, and compresses. */
const CACHING_OPTIMIZED = '658327ea-f89d-4fab-a63d-7e88639e58f6';

/** Seconds for which CloudFront remembers that there is no such file. */
const MISSING_SECONDS = 10;

/**
 * Turns addresses of folders into those of their files, as other web servers do. Links in a snapshot are relative, so
 * `/partners` is redirected.
 */
const VIEWER_REQUEST = `function handler(event) {
  var request = event.request;
  var name = request.uri.split('/').pop();
  if (name === '') {
    request.uri += 'index.html';
  } else if (/^\\/([a-z0-9-]+\\/)?(history|incidents)\\/[^./]+$/.test(request.uri)) {
    request.uri += '.html';
  } else if (name.indexOf('.') === -1 && /^\\/[a-z0-9-]+$/.test(request.uri)) {
    return { statusCode: 302, statusDescription: 'Found', headers: { location: { value: request.uri + '/' } } };
  }
  return request;
}
`;

/** Creates the bucket of the snapshot. Only CloudFront reads it. */
export function createSnapshotBucket() {
  return new sst.aws.Bucket('StatusSite', {
    access: 'cloudfront',
    cors: false,
    transform: { bucket: { forceDestroy: true } }, // the next deployment writes all of it again
  });
}

/**
 * Creates the site that serves the snapshot of the status pages. It uses nothing but the bucket, so that it stays up
 * when everything else is down.
 *
 * @param domain in a zone of Route 53. Undefined: CloudFront's own domain
 */
export function createStatusSite(stage: string, bucket: sst.aws.Bucket, domain: string | undefined) {
  // Names of CloudFront are unique in the account, where another Region may have the same stage.
  const name = $interpolate`firebreak-${stage}-status-site-${aws.getRegionOutput().region}`;
  const access = new aws.cloudfront.OriginAccessControl('StatusSiteAccess', {
    name,
    originAccessControlOriginType: 's3',
    signingBehavior: 'always',
    signingProtocol: 'sigv4',
  });
  const viewerRequest = new aws.cloudfront.Function('StatusSiteRequest', {
    name,
    runtime: 'cloudfront-js-2.0',
    code: VIEWER_REQUEST,
  });
  const headers = new aws.cloudfront.ResponseHeadersPolicy('StatusSiteHeaders', {
    name,
    // API, feeds, and badge can be read from any website.
    corsConfig: {
      accessControlAllowCredentials: false,
      accessControlAllowHeaders: { items: ['*'] },
      accessControlAllowMethods: { items: ['GET', 'HEAD'] },
      accessControlAllowOrigins: { items: ['*'] },
      originOverride: true,
    },
    securityHeadersConfig: {
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: 'DENY', override: true },
      referrerPolicy: { referrerPolicy: 'same-origin', override: true },
      strictTransportSecurity: { accessControlMaxAgeSec: 31_536_000, override: true },
    },
  });
  return new sst.aws.Cdn('StatusCdn', {
    comment: `Status pages of Firebreak (${stage})`,
    origins: [
      {
        originId: 'snapshot',
        domainName: bucket.nodes.bucket.bucketRegionalDomainName,
        originAccessControlId: access.id,
      },
    ],
    defaultRootObject: 'index.html',
    defaultCacheBehavior: {
      targetOriginId: 'snapshot',
      viewerProtocolPolicy: 'redirect-to-https',
      allowedMethods: ['GET', 'HEAD'],
      cachedMethods: ['GET', 'HEAD'],
      compress: true,
      cachePolicyId: CACHING_OPTIMIZED,
      responseHeadersPolicyId: headers.id,
      functionAssociations: [{ eventType: 'viewer-request', functionArn: viewerRequest.arn }],
    },
    // S3 answers 403 for files that do not exist, because CloudFront must not list them.
    customErrorResponses: [
      { errorCode: 403, responseCode: 404, responsePagePath: '/404.html', errorCachingMinTtl: MISSING_SECONDS },
    ],
    ...(domain && { domain }),
  });
}
