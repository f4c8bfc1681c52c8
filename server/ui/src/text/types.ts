import type { AttributeType } from "../api/types";

/** What types of attributes are called. */
export const typeNames: Record<AttributeType, string> = {
  float: "float",
  int: "int",
  bool: "bool",
  string: "string",
  datetime: "datetime",
  string_set: "string set",
  file: "file",
  none: "None",
  float_series: "float series",
  string_series: "string series",
  histogram_series: "histogram series",
  file_series: "file series",
};
