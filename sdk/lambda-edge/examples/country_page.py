"""origin-request: each country has its own page, others have the common one."""

import logging

PAGES = {"DE": "/de", "TW": "/tw", "US": "/us"}

logger = logging.getLogger()


def lambda_handler(event, context):
    request = event["Records"][0]["cf"]["request"]
    headers = request["headers"]
    country = headers.get("cloudfront-viewer-country", [{"value": ""}])[0]["value"]
    if country not in PAGES:
        return request
    host = headers["host"][0]["value"]
    logger.info("to the page of %s", country)
    return {
        "status": "302",
        "statusDescription": "Found",
        "headers": {"location": [{"key": "Location", "value": f"https://{host}{PAGES[country]}{request['uri']}"}]},
    }
