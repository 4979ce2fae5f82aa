import { BarChart, LineChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

// The parts of ECharts that our pictures need.
use([BarChart, LineChart, GridComponent, SVGRenderer]);

export { init };
