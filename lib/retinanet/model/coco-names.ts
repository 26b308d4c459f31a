// COCO's classes by the ids that its data sets, and torchvision's detectors, have for them.

/** Stand in torchvision's list where no class has the number. */
export const NO_CLASS: readonly string[] = ['__background__', 'N/A'];

/** [91] At the id of each category its name, as torchvision's `weights.meta["categories"]` has them. */
export const COCO_NAMES: readonly string[] =
  `__background__,person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,N/A,stop sign,parking meter,bench,\
bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,N/A,backpack,umbrella,N/A,N/A,handbag,tie,suitcase,frisbee,skis,snowboard,\
sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,N/A,wine glass,cup,fork,knife,spoon,bowl,banana,\
apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,N/A,dining table,N/A,N/A,toilet,N/A,tv,laptop,\
mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,N/A,book,clock,vase,scissors,teddy bear,hair drier,toothbrush`.split(
    ',',
  );
